/** Browsers do not draw beyond about ten million pixels: taller lists are scrolled in proportion. */
const tallestPx = 8_000_000;

/** Where the rows of a list are. */
export interface RowPositions {
  /** The usual height of a row. */
  readonly rowPx: number;
  /** Where a row begins. */
  offsetOf(row: number): number;
  /** The last row that begins at or before a position. */
  rowAt(px: number, count: number): number;
}

export interface ListShape {
  readonly count: number;
  readonly rowPx: number;
  /** Height of the visible part. */
  readonly viewPx: number;
  /** Without it, all rows have the same height. */
  readonly rows?: RowPositions;
}

export interface ListWindow {
  /** The first row to draw, and the one after the last. */
  readonly from: number;
  readonly to: number;
  /** Position of the first of these rows. */
  readonly topPx: number;
  /** Height of the whole list as the scroll bar sees it. */
  readonly heightPx: number;
}

/** The rows of a long list to draw at a scroll position. */
export function windowAt(shape: ListShape, scrollPx: number, overscan = 6): ListWindow {
  const { count, rowPx, viewPx } = shape;
  const first = positionAt(shape, scrollPx);
  const from = Math.max(0, rowAt(shape, first) - overscan);
  const last = shape.rows ? rowAt(shape, first + viewPx) + 1 : Math.ceil((first + viewPx) / rowPx);
  const to = Math.min(count, last + overscan);
  return { from, to, topPx: scrollPx - (first - offsetOf(shape, from)), heightPx: heightOf(shape) };
}

/** The scroll position that shows a row with `before` rows of usual height above it. */
export function scrollTo(shape: ListShape, row: number, before = 0): number {
  const hidden = offsetOf(shape, shape.count) - shape.viewPx;
  if (hidden <= 0) return 0;
  const wanted = Math.min(Math.max(0, offsetOf(shape, row) - before * shape.rowPx), hidden);
  return (wanted * (heightOf(shape) - shape.viewPx)) / hidden;
}

/** The row at the upper edge of the view, and how far the row begins above that edge, counted in rows of usual height. */
export function topRowAt(shape: ListShape, scrollPx: number): { row: number; before: number } {
  const first = positionAt(shape, scrollPx);
  const row = rowAt(shape, first);
  return { row, before: (offsetOf(shape, row) - first) / shape.rowPx };
}

const offsetOf = ({ rows, rowPx }: ListShape, row: number): number => rows?.offsetOf(row) ?? row * rowPx;

const rowAt = ({ rows, rowPx, count }: ListShape, px: number): number =>
  rows?.rowAt(px, count) ?? Math.floor(px / rowPx);

const heightOf = (shape: ListShape): number => Math.min(offsetOf(shape, shape.count), tallestPx);

/** The position in the list, before it is scaled, that is at the upper edge of the view. */
function positionAt(shape: ListShape, scrollPx: number): number {
  const real = offsetOf(shape, shape.count) - shape.viewPx;
  const shown = heightOf(shape) - shape.viewPx;
  if (real <= 0 || shown <= 0) return 0;
  return Math.min(Math.max(0, scrollPx), shown) * (real / shown);
}
