import type { ConfigWarning } from "./config-warning.ts";

/** Configs may load their own copy of this module, so the mark is a symbol of the process. */
const taskOf = Symbol.for("multimaster.todo");
const deepest = 30;

/**
 * Stands for an option that is not written yet, such as a function of an imported config: `doStepIf: todo("…")`. `check-config` lists
 * it; what uses it fails and names it.
 */
export function todo(task: string): () => never {
  return Object.assign(
    () => {
      throw new Error(`still to be written: ${task}`);
    },
    { [taskOf]: task },
  );
}

/** What is still to be written in a part of a config, with the path of each. */
export function listTodos(value: unknown, path: ConfigWarning["path"] = []): ConfigWarning[] {
  if (path.length > deepest) return [];
  if (typeof value === "function") {
    const task = (value as { readonly [taskOf]?: unknown })[taskOf];
    return typeof task === "string" ? [{ path, sentence: `is still to be written: ${task}` }] : [];
  }
  if (Array.isArray(value)) return value.flatMap((item, i) => listTodos(item, [...path, i]));
  if (typeof value !== "object" || value === null || !isPlain(value)) return [];
  // A plugin's options stand in the config where the call of its factory does.
  if ("plugin" in value && "options" in value) return listTodos(value.options, path);
  return Object.entries(value).flatMap(([key, item]) => listTodos(item, [...path, key]));
}

const isPlain = (value: object) => [Object.prototype, null].includes(Object.getPrototypeOf(value));
