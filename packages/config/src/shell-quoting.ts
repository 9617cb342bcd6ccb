/**
 * How a value must be quoted depends on its position in the command's text. This reads the text as a POSIX shell does, as
 * far as needed: plain words, both kinds of quotes, and `$(…)`. In any other construct no quoting is safe.
 */
type Place = "plain" | "single" | "double" | "comment" | { readonly unsafe: string };

/** Excludes commas and double dots: within braces they expand to several words. */
const nothingNeeded = /^(?!.*\.\.)[\w@%+:./-]+$/;

/** Reads the text of a command; `quote` makes a value one piece of data at the current position. */
export class ShellQuoting {
  /** The open quotes and `$(`, innermost last. */
  #open: Place[] = ["plain"];
  #wordBegins = true;
  readonly #hasCase: boolean;

  /** `whole` is the complete text written in the config. */
  constructor(whole: string) {
    this.#hasCase = /\bcase\b/.test(whole);
  }

  get #place(): Place {
    return this.#open.at(-1) ?? { unsafe: 'after a ")" that closes nothing' };
  }

  /** Advances over text that the config's author wrote. */
  read(text: string): void {
    for (let i = 0; i < text.length; i++) i += this.#step(text, i);
  }

  /** Quotes the value as data; throws the reason if that is impossible. */
  quote(value: string): string {
    const place = this.#place;
    const wordBegins = this.#wordBegins;
    this.#wordBegins = false;
    if (place === "single") return value.replaceAll("'", "'\\''");
    if (place === "double") return value.replace(/[$`"\\]/g, "\\$&");
    // A number that is a whole word may be a file descriptor before ">".
    const plainly = nothingNeeded.test(value) && !(wordBegins && /^\d+$/.test(value));
    if (place === "plain") return plainly ? value : `'${value.replaceAll("'", "'\\''")}'`;
    throw new Error(`it cannot be quoted ${place === "comment" ? "in a comment" : place.unsafe}`);
  }

  /** Processes the character at `i`; returns the number of further characters processed with it. */
  #step(text: string, i: number): number {
    const place = this.#place;
    const char = text[i] as string;
    const next = text[i + 1];
    const wordBegan = this.#wordBegins;
    this.#wordBegins = /[\s;&|()]/.test(char);
    if (typeof place === "object") return 0;
    if (place === "comment") {
      if (char === "\n") this.#open.pop();
      return 0;
    }
    if (place === "single") {
      if (char === "'") this.#open.pop();
      return 0;
    }
    if (char === "\\") {
      // A backslash would escape the first quote of an inserted value.
      if (next === undefined) this.#giveUp("after a backslash");
      // A continued line: the next character takes the backslash's position.
      if (next === "\n") this.#wordBegins = wordBegan;
      return 1;
    }
    if (char === "`") return this.#giveUp("in or after `…`; use $(…)");
    if (char === "$" && next === "(") {
      if (text[i + 2] === "(") return this.#giveUp("in or after $((…))");
      if (this.#hasCase) return this.#giveUp("in or after $(…) beside the word case");
      this.#open.push("plain");
      this.#wordBegins = true;
      return 1;
    }
    if (char === "$" && next === "[") return this.#giveUp("in or after $[…]");
    const variable = /^\$\{\w+\}/.exec(text.slice(i, i + 100))?.[0];
    if (variable !== undefined) return variable.length - 1;
    if (char === "$" && next === "{") return this.#giveUp("in or after a shell's ${…}");
    // An inserted value would become part of the name after "$".
    if (char === "$" && next === undefined) return this.#giveUp('after a "$"');
    if (place === "double") {
      if (char === '"') this.#open.pop();
      return 0;
    }
    return this.#stepPlain(char, next, text[i + 2], wordBegan);
  }

  #stepPlain(char: string, next: string | undefined, after: string | undefined, wordBegan: boolean): number {
    if (char === "'") this.#open.push("single");
    else if (char === '"') this.#open.push("double");
    else if (char === "#" && wordBegan) this.#open.push("comment");
    else if (char === "$" && next === "'") this.#giveUp("in or after $'…'");
    else if (char === "<" && next === "<") this.#giveUp("in or after a here-document");
    else if (char === "(" && next === "(") this.#giveUp("in or after ((…))");
    // Where sh is bash, "-eq" and similar operators in [[ evaluate even quoted values as arithmetic, and run code in an index.
    else if (char === "[" && next === "[" && after !== undefined && /\s/.test(after) && wordBegan)
      this.#giveUp("in or after [[ … ]]; use [ … ]");
    else if (char === "(") {
      if (this.#hasCase) this.#giveUp("in or after (…) beside the word case");
      else this.#open.push("plain");
    } else if (char === ")" && !(this.#hasCase && this.#open.length === 1)) this.#open.pop();
    return 0;
  }

  #giveUp(unsafe: string): 0 {
    this.#open.push({ unsafe });
    return 0;
  }
}

/**
 * Checks a value for a text that Windows' `cmd` reads. No quoting there works for every program, so only values that need
 * none are accepted.
 */
export function passPlain(value: string): string {
  if (/^[\w@+:./\\-]*$/.test(value)) return value;
  throw new Error("only letters, digits and _ @ + : . / \\ - can be inserted into a command text for a Windows worker");
}
