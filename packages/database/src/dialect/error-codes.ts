/** SQLSTATE, errno or SQLite's code of an error, wherever the driver put it. */
export function codeOf(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
}
