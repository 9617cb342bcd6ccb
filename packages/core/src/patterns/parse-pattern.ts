/** A regular expression as a tree. The source of a single-character atom is kept, for `RegExp` to interpret. */
export type PatternNode =
  | { readonly kind: "char"; readonly source: string }
  | { readonly kind: "assert"; readonly what: "start" | "end" | "word" | "not-word" }
  | { readonly kind: "sequence" | "choice"; readonly parts: readonly PatternNode[] }
  | {
      readonly kind: "repeat";
      readonly part: PatternNode;
      readonly min: number;
      readonly max: number;
      /** Repeats as rarely as it can. */
      readonly isLazy: boolean;
    };

/** The expression has a construct without a known linear-time match; the message names the construct. */
export class NotLinear extends Error {
  override name = "NotLinear";
}

/** Parses a source that `RegExp` accepts with the same flags, so it need only distinguish kinds of valid syntax. */
export function parsePattern(source: string, flags: string): PatternNode {
  if (flags.includes("v")) throw new NotLinear("the flag v");
  return new PatternReader(source, flags.includes("u")).read();
}

const assertions = { "^": "start", $: "end", "\\b": "word", "\\B": "not-word" } as const;

class PatternReader {
  #source: string;
  #isUnicode: boolean;
  #at = 0;

  constructor(source: string, isUnicode: boolean) {
    this.#source = source;
    this.#isUnicode = isUnicode;
  }

  read(): PatternNode {
    const choices: PatternNode[] = [];
    let parts: PatternNode[] = [];
    for (; ; this.#at += 1) {
      while (this.#at < this.#source.length && !"|)".includes(this.#source[this.#at] as string))
        parts.push(this.#readTerm());
      choices.push({ kind: "sequence", parts });
      parts = [];
      if (this.#source[this.#at] !== "|") return { kind: "choice", parts: choices };
    }
  }

  #readTerm(): PatternNode {
    const atom = this.#readAtom();
    const quantifier = /^(?:[*+?]|\{(\d+)(?:(,)(\d*))?\})\??/.exec(this.#source.slice(this.#at, this.#at + 500));
    if (quantifier === null || atom.kind === "assert") return atom;
    const [text, from, comma, to] = quantifier;
    this.#at += text.length;
    const isLazy = text.length > 1 && text.endsWith("?");
    if (from === undefined)
      return { kind: "repeat", part: atom, min: text[0] === "+" ? 1 : 0, max: text[0] === "?" ? 1 : Infinity, isLazy };
    const max = comma === undefined ? Number(from) : to === "" ? Infinity : Number(to);
    return { kind: "repeat", part: atom, min: Number(from), max, isLazy };
  }

  #readAtom(): PatternNode {
    const source = this.#source;
    const start = this.#at;
    if (source[start] === "(") return this.#readGroup();
    const text = this.#readCharacter();
    this.#at = start + text.length;
    if (Object.hasOwn(assertions, text)) return { kind: "assert", what: assertions[text as keyof typeof assertions] };
    return { kind: "char", source: text };
  }

  #readGroup(): PatternNode {
    const rest = this.#source.slice(this.#at + 1, this.#at + 200);
    const opening = /^(?:\?(?::|<(?![=!])[^>]*>))?/.exec(rest)?.[0] ?? "";
    if (opening === "" && rest.startsWith("?"))
      throw new NotLinear(rest.startsWith("?=") || rest.startsWith("?!") ? "lookahead" : "lookbehind");
    this.#at += 1 + opening.length;
    const inner = this.read();
    this.#at += 1;
    return inner;
  }

  /** The source of one character, class, escape or assertion. */
  #readCharacter(): string {
    const rest = this.#source.slice(this.#at);
    if (rest.startsWith("[")) return readClass(rest);
    if (!rest.startsWith("\\"))
      return this.#isUnicode ? String.fromCodePoint(rest.codePointAt(0) as number) : (rest[0] as string);
    if (/^\\(?:[1-9]|k)/.test(rest)) throw new NotLinear("a back reference");
    const unicode = this.#isUnicode
      ? /^\\(?:u\{[^}]*\}|[pP]\{[^}]*\}|u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2})/.exec(rest)
      : null;
    if (unicode) return unicode[0];
    const coded = /^\\(?:u[\da-fA-F]{4}|x[\da-fA-F]{2}|c[a-zA-Z]|0[0-7]{0,2})/.exec(rest);
    if (coded) return coded[0];
    // Without the flag u, \c before a non-letter is a backslash, and an escaped surrogate pair is its halves.
    if (!this.#isUnicode && rest[1] === "c") return "\\";
    return this.#isUnicode ? `\\${String.fromCodePoint(rest.codePointAt(1) as number)}` : rest.slice(0, 2);
  }
}

function readClass(rest: string): string {
  for (let i = 1; i < rest.length; i += 1) {
    if (rest[i] === "\\") i += 1;
    else if (rest[i] === "]") return rest.slice(0, i + 1);
  }
  return rest;
}
