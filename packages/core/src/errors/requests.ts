import { conflict, defineError, ExitCode, unavailable, usage } from "./define-error.ts";

/** Errors of requests to the REST API. */
export const requestErrors = {
  methodNotAllowed: defineError(
    "METHOD_NOT_ALLOWED",
    { status: 405, exitCode: ExitCode.usage },
    (allowed: string) => `Use the HTTP method ${allowed} here.`,
  ),
  hostUnknown: defineError(
    "HOST_UNKNOWN",
    { status: 421, exitCode: ExitCode.usage },
    (host: string) =>
      `This master does not answer to the name "${host}"; if the name is right, add it to url or allowedHosts in the config.`,
  ),
  bodyTooLarge: defineError(
    "BODY_TOO_LARGE",
    { status: 413, exitCode: ExitCode.usage },
    (maxBytes: number) => `The request's body is larger than the ${maxBytes} bytes that are accepted.`,
  ),
  bodyTooSlow: defineError(
    "BODY_TOO_SLOW",
    { status: 408, exitCode: ExitCode.unavailable },
    () => "The request's body arrived too slowly; send it again over a better connection.",
  ),
  tooManyBodies: defineError(
    "TOO_MANY_BODIES",
    unavailable,
    () => "This master has no memory for more requests; send this one again in a moment.",
  ),
  requestInvalid: defineError("REQUEST_INVALID", usage, (message: string) => message),
  notFound: defineError("NOT_FOUND", { status: 404, exitCode: ExitCode.usage }, (message: string) => message),
  alreadyOver: defineError(
    "ALREADY_OVER",
    conflict,
    (what: string, result: string) => `${what} has already ended (${result}), so nothing can be done to it.`,
  ),
  approvalImpossible: defineError("APPROVAL_IMPOSSIBLE", conflict, (message: string) => message),
  workerNotAttached: defineError(
    "WORKER_NOT_ATTACHED",
    conflict,
    (worker: string) => `The worker ${worker} is attached to no master, so no master can end it.`,
  ),
} as const;
