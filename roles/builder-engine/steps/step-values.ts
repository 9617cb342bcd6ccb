import { type Json, trustedProperty } from "@multimaster/core";
import { StepValueRefused } from "@multimaster/plugins";

const longestUrl = 2000;
const largestProperty = 1024 * 1024;

/** An address that a page may link to: of the web, or relative to the pages. Throws StepValueRefused for any other. */
export function checkUrl(url: string): string {
  // Read as browsers do: they pass over blanks and line breaks within "java\nscript:".
  const protocol = URL.canParse(url, "http://pages.invalid/") ? new URL(url, "http://pages.invalid/").protocol : "";
  if (!["http:", "https:", "mailto:"].includes(protocol))
    throw new StepValueRefused(`The URL "${url.slice(0, 100)}" cannot be shown: it must begin with http: or https:.`);
  if (url.length > longestUrl)
    throw new StepValueRefused(`The URL "${url.slice(0, 100)}…" is longer than ${longestUrl} characters.`);
  return url;
}

/** A value of a property that a step sets. Throws StepValueRefused for one that only the engine sets, or that every page of the build would have to carry. */
export function checkProperty(name: string, value: Json): Json {
  if (name === trustedProperty)
    throw new StepValueRefused(`The property "${name}" is set by the server alone; no step may change it.`);
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined)
    throw new StepValueRefused(
      `The value of the property "${name.slice(0, 100)}" is ${typeof value}: it must be JSON.`,
    );
  if (text.length > largestProperty)
    throw new StepValueRefused(
      `The value of the property "${name.slice(0, 100)}" is larger than ${largestProperty} bytes.`,
    );
  return value;
}
