/** The decoded parts of a path. A part that cannot be decoded stays unchanged and matches nothing. */
export function splitPath(path: string | undefined): string[] {
  if (path === undefined) return [];
  return path.split("/").map((part) => {
    if (!part.includes("%")) return part;
    try {
      return decodeURIComponent(part);
    } catch {
      return part;
    }
  });
}
