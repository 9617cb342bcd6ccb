import type { Json } from "@multimaster/core";

/** Line breaks in a row that programs and terminals put into a secret; more of them are not a wrapped one. */
const maxBreaks = 8;

/** A secret of several lines is also known by each of them that is longer than this and no mere header. */
const shortLine = 8;

/** Texts that steps have learnt are kept hidden up to this number. */
const maxLearnt = 100;

interface Hidden {
  name: string;
  /** Without line breaks: those may be anywhere, for programs and terminals wrap long lines. */
  text: string;
}

/** What a builder may use and nobody may see: values by name, and a mask that puts `<name>` wherever one would show. */
export class Secrets {
  #values: Readonly<Record<string, string>>;
  #learnt: readonly Hidden[] = [];
  #hidden: readonly Hidden[] = [];
  #pattern: RegExp | undefined;
  /** Names that may be used; undefined: all. */
  #allowed: readonly string[] | undefined;

  constructor(values: Readonly<Record<string, string>> = {}) {
    this.#values = values;
    this.#setHidden(listHidden(values));
  }

  /** Hides one more text, which a step has learnt, from what is written from now on. */
  add(name: string, text: string): void {
    if (text === "" || this.#learnt.some((each) => each.text === text && each.name === name)) return;
    // Tokens that change by the hour must not make the pattern longer and longer.
    this.#learnt = [...this.#learnt.slice(1 - maxLearnt), { name, text }];
    const learnt = this.#learnt.flatMap((each) => listHidden({ [each.name]: each.text }));
    this.#setHidden([...listHidden(this.#values), ...learnt].sort((a, b) => b.text.length - a.text.length));
  }

  /** The same secrets, all of them hidden, of which a build of a fork's code gets only these. */
  forFork(allowed: boolean | readonly string[]): Secrets {
    if (allowed === true) return this;
    const secrets = new Secrets(this.#values);
    secrets.#allowed = Array.isArray(allowed) ? allowed : [];
    return secrets;
  }

  /** The value, for a step's options. */
  get(name: string): string {
    if (this.#allowed && !this.#allowed.includes(name))
      throw new Error(
        `this build is of a fork's code, or nobody says that it is not, so it gets no secret "${name}"; secretsForForks: ["${name}"] of the builder gives it to whoever opens a pull request`,
      );
    const value = Object.hasOwn(this.#values, name) ? this.#values[name] : undefined;
    if (value !== undefined) return value;
    throw new Error(`there is no secret "${name}" (have: ${Object.keys(this.#values).join(", ") || "none"})`);
  }

  /** The text with every secret in it replaced. */
  hide(text: string): string {
    if (this.#pattern === undefined) return text;
    return text.replace(this.#pattern, (...match) => this.#nameOf(match));
  }

  /** The same for every text in a value, however deep. */
  hideIn(value: Json): Json {
    if (this.#pattern === undefined) return value;
    if (typeof value === "string") return this.hide(value);
    if (Array.isArray(value)) return value.map((item) => this.hideIn(item));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [this.hide(key), this.hideIn(item as Json)]));
  }

  /** A mask for a stream that comes in pieces; undefined when there is nothing to hide. */
  streamMask(): StreamMask | undefined {
    return this.#pattern === undefined ? undefined : new StreamMask(this.#pattern, this.#hidden);
  }

  #setHidden(hidden: readonly Hidden[]): void {
    this.#hidden = hidden;
    if (hidden.length > 0) this.#pattern = new RegExp(hidden.map(({ text }) => `(${toPattern(text)})`).join("|"), "g");
  }

  #nameOf(match: readonly unknown[]): string {
    return nameOf(match, this.#hidden);
  }
}

/** Hides secrets in a stream, also where a piece ends within one: what may be the beginning of one waits for the rest. */
export class StreamMask {
  #pattern: RegExp;
  #hidden: readonly Hidden[];
  #held = "";

  constructor(pattern: RegExp, hidden: readonly Hidden[]) {
    this.#pattern = pattern;
    this.#hidden = hidden;
  }

  /** What can be shown of the stream now. */
  add(text: string): string {
    return this.#show(this.#held + text, false);
  }

  /** The rest: the stream has ended. */
  end(): string {
    return this.#show(this.#held, true);
  }

  #show(text: string, isLast: boolean): string {
    let stop = isLast ? text.length : this.#findBeginning(text);
    let shown = "";
    let at = 0;
    // Nearly always there is none, which is found out faster without a pattern that allows for line breaks.
    const plain = text.replace(/[\r\n]+/g, "");
    if (!this.#hidden.some((hidden) => plain.includes(hidden.text))) {
      this.#held = text.slice(stop);
      return text.slice(0, stop);
    }
    for (const match of text.matchAll(this.#pattern)) {
      if (match.index >= stop) break;
      shown += text.slice(at, match.index) + nameOf(match, this.#hidden);
      at = match.index + match[0].length;
      stop = Math.max(stop, at);
    }
    this.#held = text.slice(stop);
    return shown + text.slice(at, stop);
  }

  /** Where the text's end may be the beginning of a secret; its length if nowhere. */
  #findBeginning(text: string): number {
    const longest = this.#hidden[0]?.text.length ?? 0;
    // The end without its line breaks, and where each of its characters stands.
    let end = "";
    const places: number[] = [];
    let breaks = 0;
    for (let i = text.length - 1; i >= 0 && places.length < longest - 1 && breaks <= maxBreaks; i -= 1) {
      if (isLineBreak(text[i] as string)) breaks += 1;
      else {
        breaks = 0;
        places.push(i);
      }
    }
    places.reverse();
    for (const place of places) end += text[place];
    let found = end.length;
    for (const { text: secret } of this.#hidden) {
      let at = end.indexOf(secret[0] as string, Math.max(0, end.length - secret.length + 1));
      while (at !== -1 && at < found) {
        if (secret.startsWith(end.slice(at))) found = at;
        else at = end.indexOf(secret[0] as string, at + 1);
      }
    }
    return places[found] ?? text.length;
  }
}

function listHidden(values: Readonly<Record<string, string>>): Hidden[] {
  return Object.entries(values)
    .flatMap(([name, value]) => {
      const lines = value.split(/[\r\n]+/);
      const long = lines.length > 1 ? lines.filter((line) => line.length > shortLine && !line.startsWith("---")) : [];
      return [lines.join(""), ...long].map((text) => ({ name, text }));
    })
    .sort((a, b) => b.text.length - a.text.length);
}

function toPattern(text: string): string {
  return [...text].map((char) => char.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")).join(`[\\r\\n]{0,${maxBreaks}}`);
}

/** The first group that took part tells which it was. */
function nameOf(match: readonly unknown[], hidden: readonly Hidden[]): string {
  const at = hidden.findIndex((_, i) => match[i + 1] !== undefined);
  return `<${hidden[at]?.name ?? "secret"}>`;
}

function isLineBreak(char: string): boolean {
  return char === "\n" || char === "\r";
}
