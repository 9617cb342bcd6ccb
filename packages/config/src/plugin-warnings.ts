import type { ConfigWarning } from "./config-warning.ts";
import type { PluginDescriptor } from "./plugin.ts";
import { templateIn } from "./renderable.ts";

/** Collects a plugin's own warnings and those that apply to all options, with the plugin's path before each. */
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

/** Finds passwords in URLs: a URL is shown in logs, pages and error messages. */
function warningsOfAddresses(value: unknown, path: readonly PropertyKey[]): ConfigWarning[] {
  const text = typeof value === "string" ? value : templateIn(value);
  if (text !== undefined) {
    if (!/^\s*[a-z][a-z0-9+.-]{0,20}:\/\/[^/?#\s@:]*:[^/?#\s@]+@/i.test(text.slice(0, 2000))) return [];
    return [
      {
        path,
        sentence:
          "contains a password in a URL, and URLs are shown in logs and pages: use git's credential helper, an SSH key, or the environment",
      },
    ];
  }
  if (typeof value !== "object" || value === null || path.length >= deepest) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    warningsOfAddresses(item, [...path, Array.isArray(value) ? Number(key) : key]),
  );
}
