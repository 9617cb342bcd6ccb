/**
 * The parameters of a path by a pattern such as `/builders/:builder`; undefined if the path does not match. One whose name ends
 * with a star takes the rest of the path, slashes included.
 */
export function matchRoute(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split("/");
  const found = path.replace(/(.)\/$/, "$1").split("/");
  const last = wanted.at(-1) ?? "";
  if (last.startsWith(":") && last.endsWith("*") && found.length >= wanted.length)
    found.push(
      found
        .splice(wanted.length - 1)
        .map(decode)
        .join("/"),
    );
  if (wanted.length !== found.length) return undefined;
  const params: Record<string, string> = {};
  for (const [i, part] of wanted.entries()) {
    const value = found[i] ?? "";
    if (part.startsWith(":")) params[part.slice(1).replace("*", "")] = part.endsWith("*") ? value : decode(value);
    else if (part !== value) return undefined;
  }
  return params;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
