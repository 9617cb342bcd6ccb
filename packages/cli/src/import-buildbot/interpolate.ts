/** A part of the text of `Interpolate` or `WithProperties`. */
export type TextPart =
  | { readonly text: string }
  | {
      /** "prop", "src", "kw", "secret", "worker"; "" is a positional argument. */
      readonly kind: string;
      /** What is named: a property, a keyword, a secret; of "src" the codebase and the attribute. */
      readonly names: readonly string[];
      /** "-", "~", "+", "?", "#?", or undefined. */
      readonly operator?: string;
      /** What stands after the operator; of "?" what is there if the value is, and if it is not. */
      readonly alternatives: readonly string[];
    };

/** Thrown for what cannot be translated; the message says why. */
export class Untranslatable extends Error {}

/** Reads the text of an `Interpolate`. `kinds`: whether names begin with a kind; in `WithProperties` all are properties. */
export function parseText(text: string, kinds = true): TextPart[] {
  const parts: TextPart[] = [];
  let plain = "";
  for (let i = 0; i < text.length; ) {
    const char = text.charAt(i);
    if (char !== "%") {
      plain += char;
      i += 1;
    } else if (text[i + 1] === "%") {
      plain += "%";
      i += 2;
    } else {
      if (plain !== "") parts.push({ text: plain });
      plain = "";
      const { part, end } = readPlaceholder(text, i + 1, kinds);
      parts.push(part);
      i = end;
    }
  }
  if (plain !== "") parts.push({ text: plain });
  return parts;
}

function readPlaceholder(text: string, begin: number, kinds: boolean): { part: TextPart; end: number } {
  if (text[begin] !== "(") {
    if (text[begin] !== "s") throw new Untranslatable(`the format %${text[begin] ?? ""}`);
    return { part: { kind: "", names: [], alternatives: [] }, end: begin + 1 };
  }
  let depth = 0;
  let end = begin;
  for (; end < text.length; end += 1) {
    if (text[end] === "(") depth += 1;
    if (text[end] === ")") depth -= 1;
    if (depth === 0) break;
  }
  const format = text[end + 1] ?? "";
  if (format !== "s") throw new Untranslatable(`the format %${format} of a value`);
  return { part: readField(text.slice(begin + 1, end), kinds), end: end + 2 };
}

function readField(field: string, kinds: boolean): TextPart {
  const [kind = "", rest = ""] = kinds ? splitOnce(field, ":") : ["prop", field];
  const [first = "", tail] = splitOnce(rest, ":");
  const named = kind === "src" ? splitOnce(tail ?? "", ":") : [first, tail];
  const names = kind === "src" ? [first, named[0] ?? ""] : [first];
  const operation = named[1];
  if (operation === undefined) return { kind, names, alternatives: [] };
  const [, operator = "", value = ""] = /^(#\?|[-~+?])([\s\S]*)$/.exec(operation) ?? [];
  if (operator === "") throw new Untranslatable(`":${operation}" in a text with values`);
  if (!operator.endsWith("?")) return { kind, names, operator, alternatives: [value] };
  const alternatives = value.slice(1).split(value.charAt(0));
  return { kind, names, operator, alternatives };
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
