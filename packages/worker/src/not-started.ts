const longestName = 200;

const reasons: Readonly<Record<string, string>> = {
  E2BIG:
    "the command, or its environment, is longer than the system allows (Linux: 128 KiB for one argument or variable); pass it in a file or on standard input (initialStdin)",
  ENOENT: "there is no such program on the PATH of the worker, or its interpreter is missing",
  EACCES: "it may not be executed: it is a directory, or its mode does not allow it",
  ENOEXEC: "it is not a program for this system",
  ERR_INVALID_ARG_VALUE: "an argument or variable contains a null character",
};

/** Explains why a program was not started and how to correct it, with the system's own message. */
export function explainNotStarted(program: string, error: Error & { code?: string }): string {
  const name = JSON.stringify(program.length > longestName ? `${program.slice(0, longestName)}…` : program);
  const reason = error.code === undefined ? undefined : reasons[error.code];
  const own = error.code?.startsWith("ERR_") ? error.code : error.message.slice(0, 500);
  return `cannot run ${name}: ${reason === undefined ? own : `${reason} (${own})`}`;
}
