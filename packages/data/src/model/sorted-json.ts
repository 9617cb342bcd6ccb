import type { Json } from "@multimaster/core";

/** JSON text with sorted keys, as always in the API. */
export function sortedJson(value: Json, indent?: number): string {
  return JSON.stringify(sortKeys(value), undefined, indent);
}

/** The same value with sorted keys; itself if they are: lists hold thousands of small objects that need no copy. */
function sortKeys(value: Json): Json {
  if (typeof value !== "object" || value === null) return value;
  return Array.isArray(value) ? sortElements(value) : sortObject(value as { readonly [key: string]: Json });
}

function sortElements(list: readonly Json[]): Json {
  let copy: Json[] | undefined;
  for (let i = 0; i < list.length; i++) {
    const element = list[i] as Json;
    const sorted = sortKeys(element);
    if (sorted === element) continue;
    copy ??= [...list];
    copy[i] = sorted;
  }
  return copy ?? (list as Json);
}

function sortObject(object: { readonly [key: string]: Json }): Json {
  const keys = Object.keys(object);
  const values = keys.map((key) => sortKeys(object[key] as Json));
  if (keys.every((key, i) => (i === 0 || (keys[i - 1] as string) < key) && values[i] === object[key])) return object;
  // In an object without a prototype this key is one like any other; in others it is none, though they are faster.
  const sorted = (keys.includes("__proto__") ? Object.create(null) : {}) as Record<string, Json>;
  const order = keys.map((_, i) => i).sort((a, b) => ((keys[a] as string) < (keys[b] as string) ? -1 : 1));
  for (const i of order) sorted[keys[i] as string] = values[i] as Json;
  return sorted;
}
