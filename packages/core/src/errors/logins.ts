import { conflict, defineError, ExitCode, forbidden, unauthorized, unavailable, usage } from "./define-error.ts";

/** Why a login fails, or a user may not do something. */
export const loginErrors = {
  loginFailed: defineError(
    "LOGIN_FAILED",
    unauthorized,
    () => "No user has this name and password; check both and log in again.",
  ),
  tooManyLogins: defineError(
    "TOO_MANY_LOGINS",
    { status: 429, exitCode: ExitCode.unavailable },
    (seconds: number) => `Too many logins have failed; try again in ${seconds} seconds.`,
  ),
  tooManyBegunLogins: defineError(
    "TOO_MANY_BEGUN_LOGINS",
    { status: 429, exitCode: ExitCode.unavailable },
    (seconds: number) => `Too many logins were begun and not finished; try again in ${seconds} seconds.`,
  ),
  noLogin: defineError(
    "NO_LOGIN",
    { status: 501, exitCode: ExitCode.usage },
    () => "This cluster has no login page; the auth option of its ui sets how users authenticate.",
  ),
  loginStale: defineError(
    "LOGIN_STALE",
    usage,
    () => "This login took too long, was used before, or was begun in another browser; log in again.",
  ),
  loginRefused: defineError(
    "LOGIN_REFUSED",
    unauthorized,
    (provider: string, why: string) => `${provider} did not log you in: ${why}.`,
  ),
  loginProviderAway: defineError(
    "LOGIN_PROVIDER_AWAY",
    unavailable,
    (provider: string, why: string) => `${provider} could not be asked for your identity: ${why}.`,
  ),
  tokenRefused: defineError(
    "TOKEN_REFUSED",
    unauthorized,
    () => 'This API token is unknown, expired or revoked; make another one with "master token create".',
  ),
  tokenExists: defineError(
    "TOKEN_EXISTS",
    conflict,
    (name: string) => `A token "${name}" already exists; revoke it first, or choose another name.`,
  ),
  tokenNotThere: defineError(
    "TOKEN_NOT_THERE",
    usage,
    (name: string) => `There is no valid token "${name}"; "master token list" lists the valid ones.`,
  ),
  workerAccountExists: defineError(
    "WORKER_ACCOUNT_EXISTS",
    conflict,
    (name: string) => `A worker "${name}" was already added; revoke it first, or choose another name.`,
  ),
  workerAccountNotThere: defineError(
    "WORKER_ACCOUNT_NOT_THERE",
    usage,
    (name: string) => `There is no worker "${name}" that was added and not revoked; "master worker list" lists them.`,
  ),
  workerAccountsClosed: defineError(
    "WORKER_ACCOUNTS_CLOSED",
    usage,
    (place: string) =>
      `Engines accept only the workers of ${place}; set accounts: true there to add others at run time.`,
  ),
  workerConfigured: defineError(
    "WORKER_CONFIGURED",
    conflict,
    (name: string, place: string) => `The worker "${name}" is defined in ${place}, which decides its password.`,
  ),
  notAllowed: defineError("NOT_ALLOWED", forbidden, (what: string, who: string, hint: string) =>
    [`You may not ${what}: that is for ${who}`, hint]
      .filter((part) => part !== "")
      .join("; ")
      .concat("."),
  ),
  otherSite: defineError(
    "OTHER_SITE",
    forbidden,
    (origin: string) =>
      `The page that sent this (${origin}) belongs to another site, so your login is not valid for it.`,
  ),
} as const;
