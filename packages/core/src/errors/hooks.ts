import { defineError, ExitCode } from "./define-error.ts";

/** Why a webhook's delivery is rejected. */
export const hookErrors = {
  hookNotConfigured: defineError(
    "HOOK_NOT_CONFIGURED",
    { status: 404, exitCode: ExitCode.usage },
    (dialect: string) =>
      `There is no change hook "${dialect}" here; add it to the list "hooks" in the ui part of the config.`,
  ),
  signatureMissing: defineError(
    "SIGNATURE_MISSING",
    { status: 401, exitCode: ExitCode.usage },
    (header: string) =>
      `The request has no ${header}: set this hook's secret in the webhook settings of the forge, too.`,
  ),
  signatureWrong: defineError(
    "SIGNATURE_WRONG",
    { status: 403, exitCode: ExitCode.usage },
    (header: string) =>
      `The request's ${header} does not match this hook's secret; the forge and the config must have the same secret.`,
  ),
  hookLoginWrong: defineError(
    "HOOK_LOGIN_WRONG",
    { status: 401, exitCode: ExitCode.usage },
    () => "This hook requires the name and password (HTTP Basic) of the config's changeHookAuth.",
  ),
  forgeFailed: defineError(
    "FORGE_FAILED",
    { status: 502, exitCode: ExitCode.unavailable },
    (forge: string, what: string, why: string) =>
      `${forge} did not answer the query for ${what} (${why}), so nothing was stored; have it deliver this again.`,
  ),
  hookFromPage: defineError(
    "HOOK_FROM_PAGE",
    { status: 403, exitCode: ExitCode.usage },
    () => "Change hooks accept no requests that a page of another site sends from a browser.",
  ),
} as const;
