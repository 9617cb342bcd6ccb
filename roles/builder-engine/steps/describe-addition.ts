import type { PluginDescriptor } from "@multimaster/config";
import type { Json } from "@multimaster/core";
import type { Secrets } from "../logs/secrets.ts";

/** Characters of a described step that are stored. */
const longest = 4000;

/** What was added to a build, for people who want to understand it: no engine reads it. */
export function describeAddition(step: PluginDescriptor<"step">, secrets: Secrets): string {
  const described = secrets.hideIn(toPlain(step) as Json);
  const text = JSON.stringify(described);
  return text.length <= longest
    ? text
    : JSON.stringify({ step: step.plugin.type, options: secrets.hide(text).slice(0, longest) });
}

function toPlain({ plugin, options }: PluginDescriptor<"step">): unknown {
  return JSON.parse(
    JSON.stringify({ step: plugin.type, options }, (_key, value: unknown) => {
      if (typeof value === "function" || value instanceof RegExp) return String(value);
      return isDescriptor(value) ? toPlain(value) : value;
    }),
  );
}

function isDescriptor(value: unknown): value is PluginDescriptor<"step"> {
  return typeof value === "object" && value !== null && (value as PluginDescriptor).plugin?.kind === "step";
}
