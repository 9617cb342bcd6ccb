import { forkProperty, type Json } from "@multimaster/core";
import type { NewChange } from "./new-change.ts";

/**
 * Limits of one change: the author of a push decides its content, and every reader bears the cost. Lengths are in
 * characters of the text, or of the value's JSON.
 */
export const changeLimits = {
  files: 10_000,
  /** Of all names of files together. */
  filesLength: 1024 * 1024,
  fileLength: 1024,
  properties: 1_000,
  /** Of all properties together. */
  propertiesLength: 256 * 1024,
  commentsLength: 4 * 1024 * 1024,
  /** Of every other text: their columns are shorter. */
  textLength: 1024,
} as const;

/** Properties that say how many files or properties were left out. */
export const omissions = { files: "files_omitted", properties: "properties_omitted" } as const;

/** The change within these limits. What was left out is counted: in a text at its end, otherwise in a property. */
export function boundChange(change: NewChange): NewChange {
  const files = boundFiles(change.files ?? []);
  const properties = boundProperties(change.properties ?? {});
  const omitted = {
    ...(files.omitted > 0 ? { [omissions.files]: files.omitted } : {}),
    ...(properties.omitted > 0 ? { [omissions.properties]: properties.omitted } : {}),
  };
  const cut = (text: string | null | undefined) => text?.slice(0, changeLimits.textLength);
  return {
    ...change,
    author: cut(change.author) as string,
    comments: boundText(change.comments, changeLimits.commentsLength),
    files: files.kept,
    properties: { ...properties.kept, ...omitted },
    ...present({
      committer: cut(change.committer),
      revision: cut(change.revision),
      branch: cut(change.branch),
      category: cut(change.category),
      revlink: cut(change.revlink),
      repository: cut(change.repository),
      project: cut(change.project),
      codebase: cut(change.codebase),
    }),
  };
}

/** About how many rows a change becomes, so that transactions of many changes stay short. */
export function rowsOf({ files = [], properties = {} }: NewChange): number {
  const named = Math.min(Object.keys(properties).length, changeLimits.properties);
  return 3 + Math.min(files.length, changeLimits.files) + named;
}

function boundFiles(files: readonly string[]): { kept: string[]; omitted: number } {
  const kept: string[] = [];
  let length = 0;
  for (const file of files) {
    const name = file.slice(0, changeLimits.fileLength);
    length += name.length;
    if (kept.length >= changeLimits.files || length > changeLimits.filesLength) break;
    kept.push(name);
  }
  return { kept, omitted: files.length - kept.length };
}

/** Properties of a pull request come first: no list of other properties may displace them. */
function boundProperties(properties: Readonly<Record<string, Json>>): {
  kept: Record<string, Json>;
  omitted: number;
} {
  const names = Object.keys(properties);
  const rank = (name: string) =>
    name === forkProperty ? 0 : name.startsWith("pullrequest") || name === "event" ? 1 : 2;
  const kept: [string, Json][] = [];
  let length = 0;
  for (const name of names.toSorted((a, b) => rank(a) - rank(b))) {
    if (kept.length >= changeLimits.properties) break;
    const value = properties[name] as Json;
    const size = name.length + JSON.stringify(value ?? null).length;
    // One that is too large is left out; smaller ones after it still fit.
    if (length + size > changeLimits.propertiesLength) continue;
    length += size;
    kept.push([name, value]);
  }
  return { kept: Object.fromEntries(kept), omitted: names.length - kept.length };
}

function boundText(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length)}\n… and ${text.length - length} more characters`;
}

function present<T extends object>(fields: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}
