/** A log is kept in pages of this many lines; the pages used least recently make room for new ones. */
export const pageLines = 1_000;
const mostPages = 60;

/** A run of lines to request. */
export interface Range {
  readonly offset: number;
  readonly limit: number;
}

/** The lines of a log that were read, by number: a line that arrives twice is stored once, and a gap shows as missing. */
export class LogPages {
  /** By page number; the order of insertion is the order of use. */
  readonly #pages = new Map<number, string[]>();

  get(line: number): string | undefined {
    return this.#pages.get(Math.floor(line / pageLines))?.[line % pageLines];
  }

  add(offset: number, lines: readonly string[]): void {
    for (const [i, text] of lines.entries()) {
      const line = offset + i;
      const number = Math.floor(line / pageLines);
      const page = this.#pages.get(number) ?? [];
      this.#touch(number, page);
      page[line % pageLines] = text;
    }
    for (const number of this.#pages.keys()) {
      if (this.#pages.size <= mostPages) break;
      this.#pages.delete(number);
    }
  }

  /** What must still be read to show the lines from `from` to before `to`: at most one run in each page. */
  missing(from: number, to: number, count: number): Range[] {
    const end = Math.min(to, count);
    const ranges: Range[] = [];
    for (let number = Math.floor(Math.max(0, from) / pageLines); number * pageLines < end; number++) {
      const first = number * pageLines;
      const page = this.#pages.get(number);
      if (page) this.#touch(number, page);
      const have = page === undefined ? 0 : firstGap(page);
      const wanted = Math.min(count - first, pageLines);
      // A page is read whole, so that scrolling within it requests nothing more.
      if (have < wanted && first + have < end) ranges.push({ offset: first + have, limit: wanted - have });
    }
    return ranges;
  }

  #touch(number: number, page: string[]): void {
    this.#pages.delete(number);
    this.#pages.set(number, page);
  }
}

function firstGap(page: readonly (string | undefined)[]): number {
  for (let i = 0; i < page.length; i++) if (page[i] === undefined) return i;
  return page.length;
}
