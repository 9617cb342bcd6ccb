/** Rows of one group have their extra height as one sum, so that positions deep in a long list are found quickly. */
const groupRows = 1_000;

/** Positions of the rows of a list: each has a usual height, and some were measured to be taller or lower. */
export class RowHeights {
  readonly rowPx: number;
  /** By row: how much taller than usual it is. */
  readonly #extra = new Map<number, number>();
  readonly #extraOfGroup = new Map<number, number>();

  constructor(rowPx: number) {
    this.rowPx = rowPx;
  }

  /** Sets the height of a row; returns whether it has changed. */
  measure(row: number, px: number): boolean {
    const before = this.#extra.get(row) ?? 0;
    const extra = px - this.rowPx;
    if (Math.abs(extra - before) < 0.5) return false;
    this.#extra.set(row, extra);
    const group = Math.floor(row / groupRows);
    this.#extraOfGroup.set(group, (this.#extraOfGroup.get(group) ?? 0) + extra - before);
    return true;
  }

  /** Where a row begins. */
  offsetOf(row: number): number {
    let px = row * this.rowPx;
    const group = Math.floor(row / groupRows);
    for (const [other, extra] of this.#extraOfGroup) if (other < group) px += extra;
    if (this.#extraOfGroup.has(group))
      for (let each = group * groupRows; each < row; each++) px += this.#extra.get(each) ?? 0;
    return px;
  }

  /** The row at a position: the last one that begins at or before it. */
  rowAt(px: number, count: number): number {
    let low = 0;
    let high = Math.max(0, count - 1);
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.offsetOf(middle) <= px) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
