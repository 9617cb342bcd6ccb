import { createHash } from "node:crypto";
import type { PluginDescriptor } from "./plugin.ts";
import { secretNameOf, templateIn } from "./renderable.ts";

/** The code of a config: what a function of it may do besides what its own text says. */
export interface ConfigCode {
  /** A hash of the config's files. */
  readonly hash: string;
  /** The types of plugins that may be defined in the config's files. */
  readonly ownPlugins: ReadonlySet<string>;
}

/** What a part of a config is, as a hash; `hasCode`: it also depends on the config's files, which its functions may use. */
export interface Fingerprint {
  readonly hash: string;
  readonly hasCode: boolean;
}

/**
 * A hash of a value of a config. Equal values have equal hashes, in whatever process they were loaded. A function counts by
 * its text, and `hasCode` says that what it uses elsewhere in the config's files is not in the hash.
 */
export function fingerprint(value: unknown, code: Pick<ConfigCode, "ownPlugins">): Fingerprint {
  const hash = createHash("sha256");
  const inside = new Set<object>();
  let hasCode = false;

  function addFunction(fn: (...args: never) => unknown): void {
    const known = templateIn(fn) ?? secretNameOf(fn);
    if (known === undefined) hasCode = true;
    hash.update(known === undefined ? `function ${fn.toString()}\0` : `render ${JSON.stringify(known)}\0`);
  }

  function addPlugin({ plugin, options }: PluginDescriptor): void {
    hash.update(`plugin ${plugin.kind} ${plugin.type}\0`);
    if (code.ownPlugins.has(plugin.type)) {
      hasCode = true;
      for (const [name, fn] of Object.entries(plugin))
        if (typeof fn === "function") hash.update(`${name} ${String(fn)}\0`);
    }
    add(options);
  }

  function addObject(object: object): void {
    // An object that contains itself: its path was added when it was entered.
    if (inside.has(object)) return void hash.update("again\0");
    inside.add(object);
    if (isDescriptor(object)) addPlugin(object);
    else if (Array.isArray(object)) {
      hash.update(`list ${object.length}\0`);
      for (const item of object) add(item);
    } else if (object instanceof RegExp || object instanceof URL) hash.update(`${String(object)}\0`);
    else if (object instanceof Date) hash.update(`date ${object.getTime()}\0`);
    else if (object instanceof Uint8Array) hash.update(object);
    else if (object instanceof Map || object instanceof Set) add([...object]);
    else
      for (const [key, item] of Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1))) {
        if (item === undefined) continue;
        hash.update(`key ${JSON.stringify(key)}\0`);
        add(item);
      }
    hash.update("end\0");
    inside.delete(object);
  }

  function add(item: unknown): void {
    if (typeof item === "function") addFunction(item as () => unknown);
    else if (typeof item === "object" && item !== null) addObject(item);
    else hash.update(`${typeof item} ${typeof item === "string" ? JSON.stringify(item) : String(item)}\0`);
  }

  add(value);
  return { hash: hash.digest("hex"), hasCode };
}

function isDescriptor(value: object): value is PluginDescriptor {
  const { plugin } = value as Partial<PluginDescriptor>;
  return typeof plugin === "object" && typeof plugin.kind === "string" && typeof plugin.type === "string";
}
