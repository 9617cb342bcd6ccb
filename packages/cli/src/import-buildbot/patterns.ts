import { boundedPattern } from "@multimaster/core";

/** A pattern that matches at the beginning of a text, as Python's `match` does. */
export function matchPattern(source: string, flags = ""): string {
  if (!source.includes("|")) return patternOf(source.startsWith("^") ? source : `^${source}`, flags);
  return patternOf(`^(?:${source})`, flags);
}

/** A regular expression as JavaScript writes it. One that only Python understands stays a text, which check-config refuses. */
export function patternOf(source: string, flags = ""): string {
  const translated = source.replaceAll("(?P<", "(?<").replaceAll("\\Z", "$").replaceAll("\\A", "^");
  try {
    boundedPattern(translated);
  } catch {
    return JSON.stringify(source);
  }
  const escaped = translated.replace(/\\.|\//gs, (found) => (found === "/" ? "\\/" : found)).replaceAll("\n", "\\n");
  return `/${escaped}/${flags}`;
}
