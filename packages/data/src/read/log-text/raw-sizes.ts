/** The number of bytes before a line. */
interface Mark {
  readonly line: number;
  readonly size: number;
}

const maxLogs = 1_000;
const maxMarks = 16;

/**
 * Remembers how long the raw texts of logs are. A client that follows a running log by ranges asks repeatedly for its size
 * and its end: each time only what was written since is read.
 */
export class RawSizes {
  readonly #marks = new Map<number, readonly Mark[]>();

  /**
   * Returns the size of a log whose text begins with a header of so many bytes. `read` returns its raw pieces from a line, each
   * made of whole lines.
   */
  async measure(logid: number, header: number, read: (line: number) => AsyncIterable<Buffer>): Promise<number> {
    let { line, size } = this.#marks.get(logid)?.at(-1) ?? { line: 0, size: header };
    const before = line;
    for await (const piece of read(line)) {
      line += countLines(piece);
      size += piece.length;
    }
    if (line > before) this.#keep(logid, { line, size });
    return size;
  }

  /** Returns the last measured line start at or before this byte; undefined if only the beginning is known. */
  markBefore(logid: number, byte: number): Mark | undefined {
    return this.#marks.get(logid)?.findLast(({ size }) => size <= byte);
  }

  #keep(logid: number, mark: Mark): void {
    const former = this.#marks.get(logid) ?? [];
    // Two concurrent measurements may both get this far.
    const marks = [...former.filter(({ line }) => line < mark.line), mark].slice(-maxMarks);
    this.#marks.delete(logid);
    this.#marks.set(logid, marks);
    if (this.#marks.size > maxLogs) this.#marks.delete(this.#marks.keys().next().value as number);
  }
}

function countLines(text: Buffer): number {
  let count = 0;
  for (let at = text.indexOf(10); at >= 0; at = text.indexOf(10, at + 1)) count++;
  return count;
}
