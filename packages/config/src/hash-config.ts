import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import type { ConfigCode } from "./fingerprint.ts";

/** Files that are followed at most. */
const mostFiles = 2000;
const importedPath = /(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)["'`](\.{1,2}\/[^"'`\n]+)["'`]/g;
const endings = ["", ".ts", ".js", ".mjs", ".json", "/index.ts", "/index.js"];

/** A file that may define plugins, and what in it looks like the type of one. */
const definesPlugins =
  /\bdefine(?:Step|Scheduler|ChangeSource|Hook|Auth|LatentWorker|SecretProvider|ArtifactStore|Reporter)\b/;
const pluginType = /\btype:\s*["'`]([^"'`\n]+)["'`]/g;

/**
 * A hash of a config's files: of the file itself and of what it imports by relative paths, whatever slices the master loads. So
 * masters of different roles agree; variables of the environment and other files that a config reads are not in it.
 */
export function hashConfig(file: string): ConfigCode {
  const root = dirname(file);
  const found = new Map<string, string>();
  const open = [file];
  for (let next = open.pop(); next !== undefined && found.size < mostFiles; next = open.pop()) {
    const text = found.has(next) ? undefined : readOrUndefined(next);
    if (text === undefined) continue;
    found.set(next, text);
    for (const [, path] of text.matchAll(importedPath)) open.push(findFile(resolve(dirname(next), path as string)));
  }
  const hash = createHash("sha256");
  for (const path of [...found.keys()].sort()) hash.update(`${relative(root, path)}\0${found.get(path)}\0`);
  const defining = [...found.values()].filter((text) => definesPlugins.test(text));
  const ownPlugins = new Set(
    defining.flatMap((text) => [...text.matchAll(pluginType)].map(([, type]) => type as string)),
  );
  return { hash: hash.digest("hex"), ownPlugins };
}

const findFile = (path: string): string =>
  endings.map((ending) => `${path}${ending}`).find((one) => statSync(one, { throwIfNoEntry: false })?.isFile()) ?? path;

function readOrUndefined(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // Another program may be replacing it, or the text is no import at all.
    return undefined;
  }
}
