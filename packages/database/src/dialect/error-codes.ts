/** SQLSTATE, errno or SQLite's code of an error, wherever the driver put it. */
export function codeOf(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
}

/** Whether an error, or one that caused it, is such a one. */
export function isCausedBy(error: unknown, isSuch: (cause: Error) => boolean): boolean {
  return error instanceof Error && (isSuch(error) || isCausedBy(error.cause, isSuch));
}
