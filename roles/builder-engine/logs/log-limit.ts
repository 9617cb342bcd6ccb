import type { Lines } from "./line-normalizer.ts";

export interface LogLimits {
  /** Bytes kept from the beginning; null: all. */
  readonly maxSize: number | null;
  /** Bytes kept from the end of what is larger. */
  readonly maxTailSize: number;
}

export const unlimited: LogLimits = { maxSize: null, maxTailSize: 0 };

const none: Lines = { text: "", count: 0 };

/**
 * Bounds one log: whole lines up to its limit pass, of what follows only the end is kept, in a ring of fixed size.
 * `notice` makes a line of the log out of a sentence.
 */
export class LogLimit {
  #limits: LogLimits;
  #notice: (sentence: string) => string;
  #passed = 0;
  #tail: TailRing | undefined;
  #cutBytes = 0;
  #cutLines = 0;

  constructor(limits: LogLimits, notice: (sentence: string) => string) {
    this.#limits = limits;
    this.#notice = notice;
  }

  /** What of these lines is to be stored now. */
  pass(lines: Lines): Lines {
    const { maxSize, maxTailSize } = this.#limits;
    if (maxSize === null || lines.count === 0) return lines;
    if (this.#tail !== undefined) {
      this.#cut(this.#tail, lines);
      return none;
    }
    const bytes = Buffer.byteLength(lines.text);
    if (this.#passed + bytes <= maxSize) {
      this.#passed += bytes;
      return lines;
    }
    this.#tail = new TailRing(maxTailSize);
    const { head, rest } = splitLines(lines, maxSize - this.#passed);
    this.#cut(this.#tail, rest);
    const kept = maxTailSize === 0 ? "" : `, but for its last ${maxTailSize} bytes`;
    const sentence = `This log is larger than ${maxSize} bytes (logMaxSize). What follows is not kept${kept}.`;
    return { text: `${head.text}${this.#notice(sentence)}\n`, count: head.count + 1 };
  }

  /** The end of what was cut, after a line that says how much is missing. Nothing is passed afterwards. */
  finish(): Lines {
    if (this.#tail === undefined) return none;
    const { text, count } = this.#tail.read();
    const bytes = this.#cutBytes - Buffer.byteLength(text);
    const sentence = `${this.#cutLines - count} lines (${bytes} bytes) were not kept here.`;
    this.#tail = new TailRing(0);
    return { text: `${this.#notice(sentence)}\n${text}`, count: count + 1 };
  }

  #cut(tail: TailRing, { text, count }: Lines): void {
    const bytes = Buffer.from(text, "utf8");
    this.#cutBytes += bytes.length;
    this.#cutLines += count;
    tail.add(bytes);
  }
}

/** As many whole lines as fit into `bytes`, and the others. */
function splitLines({ text, count }: Lines, bytes: number): { head: Lines; rest: Lines } {
  const all = Buffer.from(text, "utf8");
  const end = bytes <= 0 ? 0 : all.lastIndexOf(10, bytes - 1) + 1;
  const head = all.toString("utf8", 0, end);
  const lines = countLines(head);
  return { head: { text: head, count: lines }, rest: { text: all.toString("utf8", end), count: count - lines } };
}

function countLines(text: string): number {
  let lines = 0;
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) lines += 1;
  return lines;
}

/** The last bytes of a stream, in memory of that size. */
class TailRing {
  #ring: Buffer;
  #written = 0;

  constructor(size: number) {
    // One byte more shows whether the first line among them is whole.
    this.#ring = Buffer.alloc(size === 0 ? 0 : size + 1);
  }

  add(bytes: Buffer): void {
    const size = this.#ring.length;
    if (size === 0) return;
    const last = bytes.subarray(Math.max(0, bytes.length - size));
    const at = (this.#written + bytes.length - last.length) % size;
    const first = last.subarray(0, size - at);
    first.copy(this.#ring, at);
    last.copy(this.#ring, 0, first.length);
    this.#written += bytes.length;
  }

  /** The whole lines among them. */
  read(): Lines {
    const size = this.#ring.length;
    const at = size === 0 ? 0 : this.#written % size;
    const isWhole = this.#written < size || size === 0;
    const bytes = isWhole
      ? this.#ring.subarray(0, this.#written)
      : Buffer.concat([this.#ring.subarray(at), this.#ring.subarray(0, at)]);
    const text = bytes.toString("utf8", isWhole ? 0 : bytes.indexOf(10) + 1);
    return { text, count: countLines(text) };
  }
}
