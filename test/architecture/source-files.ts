import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

export const root = resolve(import.meta.dirname, "../..");

/** Every file of the project, as paths from its root: tracked or new, never ignored ones. */
export function listFiles(): string[] {
  const output = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "-z"], {
    cwd: root,
    encoding: "utf8",
  });
  return output
    .split("\0")
    .filter((file) => file !== "" && existsSync(join(root, file)))
    .sort();
}

export function readSource(file: string): string {
  return readFileSync(join(root, file), "utf8");
}

/** One import of a file. */
export interface Import {
  from: string;
  /** As written: "./x.ts", "@multimaster/core", "node:fs". */
  specifier: string;
  /** `import type`, `export type`: gone at run time. */
  isType: boolean;
}

const statement =
  /^[ \t]*(?:import|export)(?<type>\s+type\b)?(?:\s+(?:[\w$*{][^;"'`]*?)\s+from)?\s*["'](?<specifier>[^"'\n]+)["']/gm;
const dynamic = /\bimport\(\s*["'](?<specifier>[^"'\n]+)["']\s*\)/g;

/** The imports of a TypeScript or JavaScript file: static, re-exports, and `import("…")` with a literal. */
export function listImports(file: string, source = readSource(file)): Import[] {
  const found: Import[] = [];
  for (const match of source.matchAll(statement)) {
    found.push({ from: file, specifier: match.groups?.specifier ?? "", isType: match.groups?.type !== undefined });
  }
  for (const match of source.matchAll(dynamic)) {
    const before = source.slice(0, match.index);
    const isType = /typeof\s+$/.test(before) || /^\.[A-Z]/.test(source.slice(match.index + match[0].length));
    if (!/^\s*(?:\/\/|\*)/.test(before.slice(before.lastIndexOf("\n") + 1))) {
      found.push({ from: file, specifier: match.groups?.specifier ?? "", isType });
    }
  }
  return found;
}

/** Where a relative import leads, as a path from the root. */
export function resolveRelative({ from, specifier }: Import): string {
  return join(dirname(from), specifier);
}
