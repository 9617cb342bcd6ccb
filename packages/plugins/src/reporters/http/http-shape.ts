import { duration } from "@multimaster/core";
import type { ReporterContext } from "../../define-reporter.ts";
import { certificatesOption } from "../../web-options.ts";
import { sendRequest, type TargetAnswer, type TargetRequest } from "./send-request.ts";

/** Options of reporters that send over HTTP. */
export const httpShape = {
  timeout: duration.prefault("30s").describe("How long an answer is waited for."),
  ca: certificatesOption.optional().describe("Certificates to trust instead of those of the system, as PEM."),
};

export type Ask = (
  request: Omit<TargetRequest, "timeoutMs" | "signal" | "ca" | "isOnlyAddress">,
) => Promise<TargetAnswer>;

/** Returns how a reporter sends its requests; `isOnlyAddress`: all go to the address that its options have. */
export function askWith(
  { signal, preview }: Pick<ReporterContext, "signal" | "preview">,
  { timeout, ca }: { readonly timeout: number; readonly ca?: string | undefined },
  { isOnlyAddress = false } = {},
): Ask {
  if (preview)
    return async ({ method, url, body }) => {
      const shown = typeof body === "string" ? body : JSON.stringify(body, null, 2);
      const { host, pathname } = new URL(url);
      // The path of a webhook is a secret; that of an API says which repository and commit it is about.
      preview(`${method} to ${host}${isOnlyAddress ? "" : pathname}${shown === undefined ? "" : `\n${shown}`}`);
      return { status: 200, headers: {}, text: "{}", json: {} };
    };
  return (request) => sendRequest({ ...request, timeoutMs: timeout, signal, ca, isOnlyAddress });
}
