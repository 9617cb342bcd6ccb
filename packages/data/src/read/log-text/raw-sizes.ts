/** So many bytes come before this line. */
interface Mark {
  readonly line: number;
  readonly size: number;
}

const maxLogs = 1_000;
const maxMarks = 16;

/**
 * How long the raw texts of logs are, as far as they were measured. Whoever follows a running log by ranges asks for its size
 * and its end again and again: each time only what was written since is read.
 */
export class RawSizes {
  readonly #marks = new Map<number, readonly Mark[]>();

  /**
   * The size of a log whose text begins with a header of so many bytes. `read` gives its raw pieces from a line on, each of
   * them whole lines.
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

  /** The last place before this byte of which is known on which line it is; undefined: the beginning is the only one. */
  markBefore(logid: number, byte: number): Mark | undefined {
    return this.#marks.get(logid)?.findLast(({ size }) => size <= byte);
  }

  #keep(logid: number, mark: Mark): void {
    const former = this.#marks.get(logid) ?? [];
    // Two who measure at the same time get as far.
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
