import type { Json } from "@multimaster/core";

/** JSON text with sorted keys, as always in the API. */
export function sortedJson(value: Json, indent?: number): string {
  return JSON.stringify(sortKeys(value), undefined, indent);
}

function sortKeys(value: Json): Json {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(sortKeys);
  const object = value as { readonly [key: string]: Json };
  const sorted: Record<string, Json> = Object.create(null) as Record<string, Json>;
  for (const key of Object.keys(object).sort()) sorted[key] = sortKeys(object[key] as Json);
  return sorted;
}
