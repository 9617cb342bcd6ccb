/** A value that survives JSON. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * JSON text as Python's `json.dumps` writes it: ASCII only, `", "` and `": "` as separators. Buildbot compares such
 * columns as text (docs/spec/database.md §1), so a differing format would cause pointless updates.
 */
export function pythonJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map((v) => pythonJson(v as Json)).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    return `{${Object.entries(value)
      .map(([k, v]) => `${asciiJson(k)}: ${pythonJson(v as Json)}`)
      .join(", ")}}`;
  }
  return asciiJson(value as string | number | boolean | null);
}

function asciiJson(value: string | number | boolean | null): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Whether lists and objects are nested more than `levels` deep. It does not recurse, so no input overflows the stack. */
export function isNestedDeeper(value: unknown, levels: number): boolean {
  let layer: unknown[] = [value];
  for (let level = 0; layer.length > 0; level++) {
    const containers = layer.filter((item): item is object => typeof item === "object" && item !== null);
    if (containers.length > 0 && level >= levels) return true;
    layer = containers.flatMap((container) => Object.values(container));
  }
  return false;
}
