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

export interface JsonLimits {
  /** How deep lists and objects may be nested. */
  readonly depth: number;
  /** About how many characters the JSON text may have. */
  readonly size: number;
}

/**
 * Why a function's value is no JSON of that depth and size, as what follows "it"; undefined: it is. It may be anything, also
 * one that contains itself.
 */
export function findJsonFault(value: unknown, limits: JsonLimits): string | undefined {
  return new JsonInspection(limits).inspect(value, 0);
}

class JsonInspection {
  #limits: JsonLimits;
  #left: number;
  /** The lists and objects around the value that is inspected. */
  #around = new Set<object>();

  constructor(limits: JsonLimits) {
    this.#limits = limits;
    this.#left = limits.size;
  }

  inspect(value: unknown, depth: number): string | undefined {
    this.#left -= typeof value === "string" ? value.length + 2 : 1;
    if (this.#left < 0) return `is larger than ${this.#limits.size} bytes`;
    if (value === null || typeof value === "string" || typeof value === "boolean") return undefined;
    if (typeof value === "number" && Number.isFinite(value)) return undefined;
    if (typeof value !== "object" || !isPlain(value)) return `${described(value)}; it must be ${json}`;
    if (this.#around.has(value)) return "contains itself";
    if (depth >= this.#limits.depth) return `is nested more than ${this.#limits.depth} deep`;
    this.#around.add(value);
    const fault = Array.isArray(value) ? this.#inspectItems(value, depth) : this.#inspectFields(value, depth);
    this.#around.delete(value);
    return fault;
  }

  #inspectItems(items: readonly unknown[], depth: number): string | undefined {
    // By index: one that was never set is undefined, and no JSON.
    for (let i = 0; i < items.length; i++) {
      const fault = this.inspect(items[i], depth + 1);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }

  #inspectFields(fields: object, depth: number): string | undefined {
    for (const [name, field] of Object.entries(fields)) {
      this.#left -= name.length + 3;
      const fault = this.inspect(field, depth + 1);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }
}

const json = "text, a number, true, false, null, or lists and objects of these";

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  // Those of a value that another realm has made have prototypes of their own.
  return Array.isArray(value) || prototype === null || Object.getPrototypeOf(prototype) === null;
}

function described(value: unknown): string {
  if (typeof value === "number") return `is or has ${value}`;
  if (typeof value !== "object" || value === null) return `is or has ${typeof value}`;
  return `is or has a ${String(value.constructor?.name ?? "object").slice(0, 50)}`;
}
