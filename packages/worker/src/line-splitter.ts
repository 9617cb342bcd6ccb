/** Whole lines with, for each, the code point index of its newline and the time when its first character was read. */
export interface Lines {
  readonly text: string;
  readonly positions: number[];
  readonly times: number[];
}

export interface LineSplitterOptions {
  /** Each match becomes a newline. */
  newline: RegExp;
  /** Longest line in code points; longer ones are split, nothing is dropped. */
  maxLineLength: number;
  /** Epoch seconds. */
  now(): number;
}

/** A match of the newline pattern that begins within this many last characters may continue in the next read. */
const longestPartialMatch = 16;

/** Splits data read from a pipe, in pieces of any size, into whole lines. */
export class LineSplitter {
  #options: LineSplitterOptions;
  #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  /** The pieces of the unfinished line: joined only when it ends, so that a long line takes no quadratic time. */
  #pending: string[] = [];
  #pendingPoints = 0;
  /** The end of the unfinished line that may be the beginning of a newline match. */
  #carry = "";
  #lineTime = 0;

  constructor(options: LineSplitterOptions) {
    this.#options = options;
  }

  /** Adds bytes. Invalid UTF-8 becomes replacement characters; a character split over two reads stays whole. */
  push(bytes: Uint8Array): Lines | undefined {
    return this.#add(this.#decoder.decode(bytes, { stream: true }));
  }

  pushText(text: string): Lines | undefined {
    return this.#add(text);
  }

  /** Returns the unfinished line with a newline added; further data begins a new line. */
  end(): Lines | undefined {
    const lines = this.#add(this.#decoder.decode());
    const rest = this.#pending.join("") + this.#carry;
    this.#pending = [];
    this.#pendingPoints = 0;
    this.#carry = "";
    if (rest === "") return lines;
    const last = `${cutLongLines(`${rest}\n`, this.#options.maxLineLength)}`;
    return measure((lines?.text ?? "") + last, this.#lineTime, this.#lineTime);
  }

  #add(incoming: string): Lines | undefined {
    if (incoming === "") return undefined;
    const { newline, maxLineLength, now } = this.#options;
    const time = now();
    if (this.#pending.length === 0 && this.#carry === "") this.#lineTime = time;
    const text = (this.#carry + incoming).replace(newline, "\n");
    const afterLast = text.lastIndexOf("\n") + 1;
    const firstTime = this.#lineTime;
    let whole = "";
    if (afterLast > 0) {
      whole = cutLongLines(this.#pending.join("") + text.slice(0, afterLast), maxLineLength);
      this.#pending = [];
      this.#pendingPoints = 0;
      this.#lineTime = time;
    }
    this.#keep(text.slice(afterLast));
    if (this.#pendingPoints > maxLineLength) whole += this.#cutPending();
    return whole === "" ? undefined : measure(whole, firstTime, time);
  }

  #keep(rest: string): void {
    let split = rest.length;
    for (let at = rest.length - 1; at >= 0 && at >= rest.length - longestPartialMatch; at -= 1) {
      const code = rest.charCodeAt(at);
      if (code !== 13 && code !== 27 && code !== 8) continue;
      split = at;
      break;
    }
    this.#carry = rest.slice(split);
    if (split === 0) return;
    const kept = rest.slice(0, split);
    this.#pending.push(kept);
    this.#pendingPoints += countCodePoints(kept);
  }

  /** Splits off the full lines of an unfinished line that has become too long. */
  #cutPending(): string {
    const cut = cutLongLines(this.#pending.join(""), this.#options.maxLineLength);
    const rest = cut.slice(cut.lastIndexOf("\n") + 1);
    this.#pending = [rest];
    this.#pendingPoints = countCodePoints(rest);
    return cut.slice(0, cut.length - rest.length);
  }
}

/** Counts code points, as Python does: a character outside the basic plane is one, but two units in JavaScript. */
export function countCodePoints(text: string): number {
  if (!/[\ud800-\udbff]/.test(text)) return text.length;
  let count = text.length;
  for (const match of text.matchAll(/[\ud800-\udbff][\udc00-\udfff]/g)) count -= match.length;
  return count;
}

/** Adds a newline after every `max` code points of a line, never inside a surrogate pair. */
function cutLongLines(text: string, max: number): string {
  if (text.length <= max) return text;
  return text
    .split("\n")
    .map((line) => (line.length <= max ? line : cutLine(line, max)))
    .join("\n");
}

function cutLine(line: string, max: number): string {
  const pieces: string[] = [];
  let start = 0;
  let points = 0;
  for (let at = 0; at < line.length; points += 1) {
    if (points === max) {
      pieces.push(line.slice(start, at));
      start = at;
      points = 0;
    }
    at += (line.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
  }
  pieces.push(line.slice(start));
  return pieces.join("\n");
}

function measure(text: string, firstTime: number, time: number): Lines {
  const positions: number[] = [];
  const times: number[] = [];
  const astral = /[\ud800-\udbff]/.test(text);
  let points = 0;
  for (let start = 0, at = text.indexOf("\n"); at !== -1; start = at + 1, at = text.indexOf("\n", start)) {
    points += astral ? countCodePoints(text.slice(start, at)) : at - start;
    positions.push(points);
    times.push(times.length === 0 ? firstTime : time);
    points += 1;
  }
  return { text, positions, times };
}
