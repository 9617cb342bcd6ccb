const longestCause = 500;

/**
 * What an error says, for those who may see the state of the cluster: its first line, without the statement that a database
 * driver puts before it, and without credentials: user names and passwords in addresses, and values called so.
 */
export function describeCause(error: unknown): string {
  const [line = ""] = (error instanceof Error ? error.message : String(error)).trim().split(/[\r\n]/, 1);
  const end = /^(?:select|insert|update|delete|with|begin|alter|create|lock)\b/i.test(line)
    ? line.lastIndexOf(" - ")
    : -1;
  return (end < 0 ? line : line.slice(end + 3))
    .slice(0, 4 * longestCause)
    .replace(/([a-z][a-z0-9+.-]{0,30}:\/\/)[^\s/?#]*@/gi, "$1")
    .replace(
      /\b((?:[\w-]*(?:password|passwd|secret|token|api[_-]?key)|authorization)["']?\s*[=:]\s*)[^\s&,;]+.*/gi,
      "$1…",
    )
    .slice(0, longestCause);
}
