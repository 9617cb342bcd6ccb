import type { IncomingHttpHeaders } from "node:http";

/** When a target wants to be asked again, in milliseconds from now; undefined: it does not say. */
export function readRetryAfter(headers: IncomingHttpHeaders, now = Date.now()): number | undefined {
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
  return undefined;
}
