/**
 * Where in a command's text a value is put in decides how it is quoted. This reads the text as a POSIX shell does, as far
 * as needed: plain words, both kinds of quotes, and `$(…)`. Inside anything else no quoting is safe.
 */
type Place = "plain" | "single" | "double" | "comment" | { readonly unsafe: string };

/** Neither a comma nor two dots: within braces they make several words of one. */
const nothingNeeded = /^(?!.*\.\.)[\w@%+:./-]+$/;

/** Follows the text of a command; `quote` makes a value one piece of data at the place that was reached. */
export class ShellQuoting {
  /** The quotes and `$(` that are open, innermost last. */
  #open: Place[] = ["plain"];
  #wordBegins = true;
  readonly #hasCase: boolean;

  /** `whole` is all of the text that is written in the config. */
  constructor(whole: string) {
    this.#hasCase = /\bcase\b/.test(whole);
  }

  get #place(): Place {
    return this.#open.at(-1) ?? { unsafe: 'after a ")" that closes nothing' };
  }

  /** Goes on over text that the config's author wrote. */
  read(text: string): void {
    for (let i = 0; i < text.length; i++) i += this.#step(text, i);
  }

  /** The value as data; throws with the reason where that cannot be done. */
  quote(value: string): string {
    const place = this.#place;
    const wordBegins = this.#wordBegins;
    this.#wordBegins = false;
    if (place === "single") return value.replaceAll("'", "'\\''");
    if (place === "double") return value.replace(/[$`"\\]/g, "\\$&");
    // A number that is a whole word may stand before ">".
    const plainly = nothingNeeded.test(value) && !(wordBegins && /^\d+$/.test(value));
    if (place === "plain") return plainly ? value : `'${value.replaceAll("'", "'\\''")}'`;
    throw new Error(`it cannot be quoted ${place === "comment" ? "in a comment" : place.unsafe}`);
  }

  /** Takes the character at `i`; returns how many more were taken with it. */
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
      // What is put in right after it would lose its first quote.
      if (next === undefined) this.#giveUp("after a backslash");
      // A line that goes on: the next character stands where the backslash does.
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
    // A name or another sign would grow into what is put in.
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
    // Where sh is bash, "-eq" and its like reckon with what is in quotes, too, and run what stands in an index there.
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
 * A value in a text for Windows' `cmd`, which has no quoting that every program understands: only what needs none is
 * taken.
 */
export function passPlain(value: string): string {
  if (/^[\w@+:./\\-]*$/.test(value)) return value;
  throw new Error("only letters, digits and _ @ + : . / \\ - can be put into a text for a Windows worker");
}
