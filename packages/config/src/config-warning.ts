import { formatPath } from "./describe-issue.ts";
import type { PluginDescriptor } from "./plugin.ts";
import { templateIn } from "./renderable.ts";

/** A risk in a config that is no error: it loads, but its author should know what it means. */
export interface ConfigWarning {
  /** Where it is: from the slice, or of a plugin from its options, such as ["hooks", 0, "secret"]. */
  readonly path: readonly PropertyKey[];
  /** What the risk is, and the line that ends it or says that it is meant. */
  readonly sentence: string;
}

/** A warning as one line, in the form of an error: file, path, sentence. */
export function describeWarning(file: string, { path, sentence }: ConfigWarning): string {
  return path.length > 0 ? `${file}: ${formatPath(path)}: ${sentence}` : `${file}: ${sentence}`;
}

/** What a plugin warns of, and what holds for the options of all, with their place in the slice put before each path. */
export function warningsOfPlugin(
  { plugin, options }: PluginDescriptor,
  place: readonly PropertyKey[],
): readonly ConfigWarning[] {
  return [...(plugin.warnings?.(options) ?? []), ...warningsOfAddresses(options, [])].map(({ path, sentence }) => ({
    path: [...place, ...path],
    sentence,
  }));
}

const deepest = 8;

/** Passwords within addresses: an address is shown in logs, pages and error messages. */
function warningsOfAddresses(value: unknown, path: readonly PropertyKey[]): ConfigWarning[] {
  const text = typeof value === "string" ? value : templateIn(value);
  if (text !== undefined) {
    if (!/^\s*[a-z][a-z0-9+.-]{0,20}:\/\/[^/?#\s@:]*:[^/?#\s@]+@/i.test(text.slice(0, 2000))) return [];
    return [
      {
        path,
        sentence:
          "holds a password within an address, which is shown wherever the address is: leave it to git's credential helper, an SSH key, or the environment",
      },
    ];
  }
  if (typeof value !== "object" || value === null || path.length >= deepest) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    warningsOfAddresses(item, [...path, Array.isArray(value) ? Number(key) : key]),
  );
}
