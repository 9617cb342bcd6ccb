/** Cursor movements, clear-screen, runs of backspaces and carriage returns all begin a new line in a stored log. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
const lineBreaks = /\r\n|\r(?!$)|\x1b\[u|\x1b\[[0-9]+;[0-9]+[Hf]|\x1b\[2J|[\b]+/g;
/** One search for each: they take a tenth of the time of an expression that looks for all of them. */
const mayBreak = (text: string): boolean => text.includes("\r") || text.includes("\x1b") || text.includes("\b");

/** Bytes of a stored chunk; a longer line is stored in pieces, each a line of its own, so that nothing is lost. */
const maxLineBytes = 65_000;
/** An unfinished line longer than this does not wait for its end. */
const maxPendingChars = 1_000_000;

export interface Lines {
  /** Whole lines, each ended by a newline and beginning with the prefix. */
  readonly text: string;
  readonly count: number;
}

const none: Lines = { text: "", count: 0 };

/** Turns pieces of one stream into whole stored lines, keeping an unfinished one until its end comes. */
export class LineNormalizer {
  #prefix: string;
  #pending = "";

  /** `prefix` begins every line: o, e or h in a log of type "s", nothing otherwise. */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** The lines that `text` completes. */
  add(text: string): Lines {
    let whole = this.#pending === "" ? text : this.#pending + text;
    this.#pending = "";
    if (mayBreak(whole)) whole = whole.replace(lineBreaks, "\n");
    const end = whole.lastIndexOf("\n") + 1;
    if (end < whole.length) {
      this.#pending = whole.slice(end);
      whole = whole.slice(0, end);
      if (this.#pending.length > maxPendingChars) {
        whole += `${this.#pending}\n`;
        this.#pending = "";
      }
    }
    return this.#toLines(whole);
  }

  /** The unfinished line, ended. */
  flush(): Lines {
    const rest = this.#pending.replace(/\r$/, "");
    this.#pending = "";
    return rest === "" ? none : this.#toLines(`${rest}\n`);
  }

  #toLines(whole: string): Lines {
    if (whole === "") return none;
    let count = 0;
    let longest = 0;
    for (let start = 0; start < whole.length; count += 1) {
      const end = whole.indexOf("\n", start);
      if (end - start > longest) longest = end - start;
      start = end + 1;
    }
    // A UTF-16 unit takes at most three bytes: nearly every text is known to fit without encoding it.
    if (longest * 3 > maxLineBytes) return this.#cutLongLines(whole);
    if (this.#prefix === "") return { text: whole, count };
    return { text: `${this.#prefix}${whole.slice(0, -1).replaceAll("\n", `\n${this.#prefix}`)}\n`, count };
  }

  #cutLongLines(whole: string): Lines {
    const lines = whole.slice(0, -1).split("\n").flatMap(cutLine);
    return { text: lines.map((line) => `${this.#prefix}${line}\n`).join(""), count: lines.length };
  }
}

/** Cuts a line into pieces that each fit into a stored chunk, never inside a character. */
function cutLine(line: string): string[] {
  if (line.length * 3 <= maxLineBytes) return [line];
  const bytes = Buffer.from(line, "utf8");
  if (bytes.length <= maxLineBytes) return [line];
  const pieces: string[] = [];
  for (let start = 0; start < bytes.length; ) {
    let end = Math.min(start + maxLineBytes, bytes.length);
    while (end < bytes.length && ((bytes[end] as number) & 0xc0) === 0x80) end -= 1;
    pieces.push(bytes.toString("utf8", start, end));
    start = end;
  }
  return pieces;
}
