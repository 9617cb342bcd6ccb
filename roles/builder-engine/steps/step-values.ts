import { findJsonFault, type Json, trustedProperty } from "@multimaster/core";
import { StepValueRefused } from "@multimaster/plugins";

const longestUrl = 2000;
const longestName = 255;
const largestProperty = 1024 * 1024;
const deepestProperty = 100;
/** Of all that the steps of one build set. */
const largestTogether = 16 * 1024 * 1024;
const mostProperties = 10_000;

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

/** The name of a log: a line that a page can show. Throws StepValueRefused for any other. */
export function checkLogName(name: string): string {
  const fault = findNameFault(name, longestName);
  if (fault === undefined) return name;
  throw new StepValueRefused(`A log of this step cannot have the name ${shorten(name)}: it ${fault}.`);
}

/** The name of a link, as it is shown: it may come from a file's name. Throws StepValueRefused for one that shows nothing. */
export function showLinkName(name: string): string {
  const shown = name.replace(/[\p{Cc}\u2028\u2029]/gu, " ").trim();
  if (shown === "") throw new StepValueRefused("A link of this step has no name: pages could not show it.");
  return shown;
}

/** What the steps of a build have set, so that its rows stay of a size that pages can carry. */
export class StepProperties {
  #sizes = new Map<string, number>();
  #size = 0;

  /**
   * A copy of the value of a property that a step sets. Throws StepValueRefused for one that only the engine sets, that is no
   * JSON, or that is too large.
   */
  check(name: string, value: unknown): Json {
    if (name === trustedProperty)
      throw new StepValueRefused(`The property "${name}" is set by the server alone; no step may change it.`);
    const badName = typeof name === "string" ? findNameFault(name, longestName) : "is no text";
    if (badName !== undefined)
      throw new StepValueRefused(`A property cannot have the name ${shorten(String(name))}: it ${badName}.`);
    const fault = findJsonFault(value, { depth: deepestProperty, size: largestProperty });
    if (fault !== undefined) throw new StepValueRefused(`The value of the property ${shorten(name)} ${fault}.`);
    const text = JSON.stringify(value);
    this.#count(name, text.length);
    return JSON.parse(text) as Json;
  }

  #count(name: string, size: number): void {
    const grown = this.#size - (this.#sizes.get(name) ?? 0) + size;
    const isNew = !this.#sizes.has(name);
    if (grown > largestTogether || (isNew && this.#sizes.size >= mostProperties))
      throw new StepValueRefused(
        `The property ${shorten(name)} cannot be set: the steps of a build set at most ${mostProperties} properties, of ${largestTogether} bytes together.`,
      );
    this.#size = grown;
    this.#sizes.set(name, size);
  }
}

/** What is wrong with a name, as what follows "it". */
function findNameFault(name: string, longest: number): string | undefined {
  if (name.trim() === "") return "is empty";
  if (name.length > longest) return `has more than ${longest} characters`;
  return /[\p{Cc}\p{Surrogate}\u2028\u2029]/u.test(name) ? "has control characters" : undefined;
}

const shorten = (name: string) => JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name);
