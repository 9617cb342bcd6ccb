import { type PluginDescriptor, secretNameOf, templateIn } from "@multimaster/config";
import type { Json } from "@multimaster/core";
import type { Secrets } from "../logs/secrets.ts";

/** The login of an address: "https://user:password@". */
const loginInUrl = /(:\/\/)[^\s"/?#@:]*:[^\s"/?#@]*@/g;

/** Characters of a described step that are stored. */
const longest = 4000;

/** What was added to a build, for people who want to understand it: no engine reads it. */
export function describeAddition({ plugin, options }: PluginDescriptor<"step">, secrets: Secrets): string {
  const plain = JSON.parse(JSON.stringify({ step: plugin.type, options }, replaceCode)) as Json;
  const text = JSON.stringify(secrets.hideIn(plain)).replace(loginInUrl, "$1<login>@");
  return text.length <= longest ? text : JSON.stringify({ step: plugin.type, options: text.slice(0, longest) });
}

/** For JSON of options: templates and secrets by what the config says, other functions and patterns by their source text, and steps within them by their kind and options. */
export function replaceCode(_key: string, value: unknown): unknown {
  if (typeof value === "function") {
    const secret = secretNameOf(value);
    return templateIn(value) ?? (secret === undefined ? String(value) : `\${secret:${secret}}`);
  }
  if (value instanceof RegExp) return String(value);
  if (typeof value !== "object" || value === null || (value as PluginDescriptor).plugin?.kind !== "step") return value;
  const { plugin, options } = value as PluginDescriptor<"step">;
  return { step: plugin.type, options };
}
