import type { IncomingHttpHeaders } from "node:http";
import { z } from "zod";

/** Where targets say it in their answer: Discord and Telegram in seconds, Matrix in milliseconds, Zulip in seconds. */
const inBody = z.object({
  retry_after: z.number().optional(),
  parameters: z.object({ retry_after: z.number() }).optional().catch(undefined),
  retry_after_ms: z.number().optional(),
  "retry-after": z.number().optional(),
});

/** When a target wants to be asked again, in milliseconds from now; undefined: it does not say. */
export function readRetryAfter(headers: IncomingHttpHeaders, body?: unknown, now = Date.now()): number | undefined {
  const given = headers["retry-after"];
  if (given !== undefined) {
    const seconds = Number(given);
    const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(given) - now;
    if (Number.isFinite(ms)) return Math.max(0, ms);
  }
  // GitHub and GitLab: how many requests are left, and when there are more, in seconds since 1970.
  const left = headers["x-ratelimit-remaining"] ?? headers["ratelimit-remaining"];
  const reset = Number(headers["x-ratelimit-reset"] ?? headers["ratelimit-reset"]);
  if (left === "0" && Number.isFinite(reset)) return Math.max(0, reset * 1000 - now);
  const { data } = inBody.safeParse(body);
  const seconds = data?.retry_after ?? data?.parameters?.retry_after ?? data?.["retry-after"];
  return seconds === undefined ? data?.retry_after_ms : seconds * 1000;
}
