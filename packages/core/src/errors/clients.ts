import { defineError, ExitCode, unavailable, usage } from "./define-error.ts";

/** Errors of the command line as a client of a ui master. */
export const clientErrors = {
  noUiUrl: defineError(
    "NO_UI_URL",
    usage,
    (file: string) =>
      `No ui master is named. Name one with --url URL, in the environment variable MULTIMASTER_URL, or in ${file}.`,
  ),
  uiUrlInvalid: defineError(
    "UI_URL_INVALID",
    usage,
    (url: string) => `"${url}" is not the address of a ui master; use http://HOST:PORT/ or https://HOST/.`,
  ),
  uiUnreachable: defineError(
    "UI_UNREACHABLE",
    unavailable,
    (url: string, why: string) => `No ui master answers at ${url}: ${why}.`,
  ),
  noUiThere: defineError(
    "NO_UI_THERE",
    unavailable,
    (url: string, why: string) => `The server at ${url} is not a ui master (${why}); check the address.`,
  ),
  clientFileInvalid: defineError(
    "CLIENT_FILE_INVALID",
    usage,
    (file: string, why: string) => `The client file ${file} cannot be used: ${why}.`,
  ),
  unknownProfile: defineError(
    "UNKNOWN_PROFILE",
    usage,
    (profile: string, file: string, known: readonly string[]) =>
      `${file} has no profile "${profile}" (have: ${known.length > 0 ? known.join(", ") : "none"}).`,
  ),
  uiTooOld: defineError(
    "UI_TOO_OLD",
    unavailable,
    (url: string, what: string) =>
      `The ui master at ${url} runs a release that does not report ${what}; upgrade it first.`,
  ),
  tokenUnreadable: defineError(
    "TOKEN_UNREADABLE",
    usage,
    (file: string, why: string) => `The token file ${file} cannot be used: ${why}.`,
  ),
  tokenNeeded: defineError(
    "TOKEN_NEEDED",
    { status: 401, exitCode: ExitCode.usage },
    (url: string) =>
      `The ui master at ${url} did not authenticate this command; give a valid API token with --token-file FILE, MULTIMASTER_TOKEN, or the client file.`,
  ),
  uiRefused: defineError("UI_REFUSED", usage, (what: string) => `The ui master refused the request: ${what}`),
  fieldsRefused: defineError("FIELDS_REFUSED", usage, (problems: readonly string[]) =>
    ["Some form fields are invalid:", ...problems.map((problem) => `  ${problem}`)].join("\n"),
  ),
  reportNotSent: defineError(
    "REPORT_NOT_SENT",
    unavailable,
    (reporter: string, why: string) => `The report of "${reporter}" was not sent: ${why}`,
  ),
  buildNotNamed: defineError(
    "BUILD_NOT_NAMED",
    usage,
    (text: string) => `"${text}" does not name a build; give its id, BUILDER/NUMBER, or the URL of its page.`,
  ),
  builderNotForced: defineError(
    "BUILDER_NOT_FORCED",
    usage,
    (builders: readonly string[], forced: readonly string[]) =>
      `No force scheduler builds ${builders.join(" and ")} (builders that can be forced: ${forced.join(", ") || "none"}).`,
  ),
  forceSchedulerToChoose: defineError("FORCE_SCHEDULER_TO_CHOOSE", usage, (names: readonly string[]) =>
    names.length === 0
      ? "The cluster has no enabled force scheduler."
      : `Name the force scheduler to use: ${names.join(", ")}.`,
  ),
} as const;
