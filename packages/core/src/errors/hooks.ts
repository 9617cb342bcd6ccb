import { defineError, ExitCode } from "./define-error.ts";

/** Why a webhook's delivery is not taken. */
export const hookErrors = {
  hookNotConfigured: defineError(
    "HOOK_NOT_CONFIGURED",
    { status: 404, exitCode: ExitCode.usage },
    (dialect: string) => `There is no change hook "${dialect}" here; name it in the list hooks of the config's ui.`,
  ),
  signatureMissing: defineError(
    "SIGNATURE_MISSING",
    { status: 401, exitCode: ExitCode.usage },
    (header: string) =>
      `The request has no ${header}: set this hook's secret at the webhook of the forge, too, so that it is sent along.`,
  ),
  signatureWrong: defineError(
    "SIGNATURE_WRONG",
    { status: 403, exitCode: ExitCode.usage },
    (header: string) =>
      `The request's ${header} does not fit this hook's secret; the forge and the config must have the same.`,
  ),
  hookLoginWrong: defineError(
    "HOOK_LOGIN_WRONG",
    { status: 401, exitCode: ExitCode.usage },
    () => "This hook asks for the name and password (HTTP Basic) that the config's changeHookAuth gives.",
  ),
  forgeFailed: defineError(
    "FORGE_FAILED",
    { status: 502, exitCode: ExitCode.unavailable },
    (forge: string, what: string, why: string) =>
      `${forge} was asked for ${what} and did not tell (${why}), so nothing was stored; have it deliver this again.`,
  ),
  hookFromPage: defineError(
    "HOOK_FROM_PAGE",
    { status: 403, exitCode: ExitCode.usage },
    () => "Change hooks take no requests that the pages of other sites make in somebody's browser.",
  ),
} as const;
