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
  if (translated === "") return `/(?:)/${flags}`;
  const escaped = translated.replace(/\\.|\/|[\n\r\u2028\u2029]/gs, (found) => {
    if (found === "/") return "\\/";
    const end = found.at(-1) ?? "";
    return /[\n\r\u2028\u2029]/.test(end) ? `\\u${end.charCodeAt(0).toString(16).padStart(4, "0")}` : found;
  });
  return `/${escaped}/${flags}`;
}
