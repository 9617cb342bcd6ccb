import { readdir, stat } from "node:fs/promises";

/**
 * Finds the paths that match an absolute pattern: `*`, `?` and `[…]` within a name, `**` for any number of directories.
 * Names that begin with a dot match only a pattern that does. Unsorted; unreadable directories are skipped.
 */
export async function findFiles(pattern: string): Promise<string[]> {
  const segments = pattern.split("/").filter((segment) => segment !== "");
  const found = new Set<string>();
  await descend(pattern.startsWith("/") ? "/" : "", segments, found);
  return [...found];
}

async function descend(directory: string, segments: readonly string[], found: Set<string>): Promise<void> {
  const [segment, ...rest] = segments;
  if (segment === undefined) return;
  if (segment === "**") {
    if (rest.length > 0) await descend(directory, rest, found);
    for (const entry of await readNames(directory)) {
      if (entry.name.startsWith(".")) continue;
      if (rest.length === 0) found.add(directory + entry.name);
      // Links to directories are not followed, so that a cycle of links ends.
      if (entry.isDirectory) await descend(`${directory}${entry.name}/`, segments, found);
    }
    return;
  }
  if (!/[*?[]/.test(segment)) {
    if (rest.length > 0) return descend(`${directory}${segment}/`, rest, found);
    if (await exists(directory + segment)) found.add(directory + segment);
    return;
  }
  const matches = compileName(segment);
  for (const { name } of await readNames(directory)) {
    if (name.startsWith(".") && !segment.startsWith(".")) continue;
    if (!matches.test(name)) continue;
    if (rest.length === 0) found.add(directory + name);
    else await descend(`${directory}${name}/`, rest, found);
  }
}

async function readNames(directory: string): Promise<{ name: string; isDirectory: boolean }[]> {
  try {
    const entries = await readdir(directory === "" ? "." : directory, { withFileTypes: true });
    return entries.map((entry) => ({ name: entry.name, isDirectory: entry.isDirectory() }));
  } catch {
    return [];
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function compileName(segment: string): RegExp {
  let source = "";
  for (let at = 0; at < segment.length; at += 1) {
    const char = segment[at] ?? "";
    const close = char === "[" ? segment.indexOf("]", at + 2) : -1;
    if (char === "*") source += ".*";
    else if (char === "?") source += ".";
    else if (close !== -1) {
      const body = segment
        .slice(at + 1, close)
        .replace(/\\/g, "\\\\")
        .replace(/^!/, "^");
      source += `[${body}]`;
      at = close;
    } else source += char.replace(/[\\^$.|+(){}[\]]/g, "\\$&");
  }
  return new RegExp(`^${source}$`, "su");
}
