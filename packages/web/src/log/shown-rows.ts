import type { Section } from "./sections.ts";

interface Hidden {
  readonly from: number;
  /** After the last one. */
  readonly to: number;
  /** How many lines are hidden before it. */
  readonly before: number;
}

/** Which lines of a log are rows: all but those within folded sections, and single ones that say nothing to a reader. */
export class ShownRows {
  readonly count: number;
  /** Equal for the same hidden lines, also while the log grows. */
  readonly layout: string;
  readonly #hidden: readonly Hidden[];

  constructor(lines: number, folded: readonly Section[], marks: readonly number[] = []) {
    const hidden: Hidden[] = [];
    let total = 0;
    const runs = [
      ...folded.map(({ head, end }) => ({ first: head + 1, last: end ?? lines - 1 })),
      ...marks.map((line) => ({ first: line, last: line })),
    ].sort((a, b) => a.first - b.first);
    for (const { first, last } of runs) {
      const from = Math.max(first, hidden.at(-1)?.to ?? 0);
      const to = Math.min(lines, last + 1);
      if (to <= from) continue;
      hidden.push({ from, to, before: total });
      total += to - from;
    }
    this.#hidden = hidden;
    this.layout = hidden.map(({ from, to }) => `${from}-${to}`).join();
    this.count = lines - total;
  }

  /** The line that a row shows. */
  lineOf(row: number): number {
    const last = this.#hidden.findLast(({ from, before }) => from - before <= row);
    return last === undefined ? row : row + last.before + (last.to - last.from);
  }

  /** The row of a line; of a hidden one, that of the heading it is folded under. */
  rowOf(line: number): number {
    const last = this.#hidden.findLast(({ from }) => from <= line);
    if (last === undefined) return line;
    return line < last.to ? last.from - last.before - 1 : line - last.before - (last.to - last.from);
  }
}
