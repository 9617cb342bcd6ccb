/** What an error means to its cause: an HTTP status for a REST client, a process exit code for a command. */
export interface ErrorKind {
  /** HTTP status when the error reaches a REST client. */
  status: number;
  /** Exit code when the error ends a command. */
  exitCode: number;
}

/** An error that a user or operator can act on: one clear sentence, never a stack trace. */
export class UserError extends Error {
  readonly code: string;
  readonly status: number;
  readonly exitCode: number;

  constructor(code: string, kind: ErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "UserError";
    this.code = code;
    this.status = kind.status;
    this.exitCode = kind.exitCode;
  }
}

/** Exit codes of the commands (docs/operators.md lists them). */
export const ExitCode = {
  ok: 0,
  /** The build of `npm start -- --once` did not succeed, or an unexpected error. */
  failure: 1,
  /** The command line or the configuration is wrong. */
  usage: 2,
  /** A resource that the master needs (database, port, name) is unavailable. */
  unavailable: 3,
} as const;

export const usage: ErrorKind = { status: 400, exitCode: ExitCode.usage };
export const conflict: ErrorKind = { status: 409, exitCode: ExitCode.usage };
export const unauthorized: ErrorKind = { status: 401, exitCode: ExitCode.usage };
export const forbidden: ErrorKind = { status: 403, exitCode: ExitCode.usage };
export const unavailable: ErrorKind = { status: 503, exitCode: ExitCode.unavailable };

/** Declares an error: its code, its kind and its message. */
export function defineError<Args extends unknown[]>(code: string, kind: ErrorKind, message: (...args: Args) => string) {
  return (...args: [...Args, ErrorOptions?]): UserError => {
    const last = args.at(-1);
    const options = typeof last === "object" && last !== null && "cause" in last ? (last as ErrorOptions) : undefined;
    return new UserError(code, kind, message(...(args as unknown as Args)), options);
  };
}
