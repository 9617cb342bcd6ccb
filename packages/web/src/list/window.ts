/** Browsers do not draw beyond about ten million pixels: taller lists are scrolled in proportion. */
const tallestPx = 8_000_000;

export interface ListShape {
  readonly count: number;
  readonly rowPx: number;
  /** Height of the visible part. */
  readonly viewPx: number;
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
  const heightPx = heightOf(shape);
  const first = rowAt(shape, scrollPx);
  const from = Math.max(0, Math.floor(first) - overscan);
  const to = Math.min(count, Math.ceil(first + viewPx / rowPx) + overscan);
  return { from, to, topPx: scrollPx - (first - from) * rowPx, heightPx };
}

/** The scroll position that shows a row with `before` rows above it. */
export function scrollTo(shape: ListShape, row: number, before = 0): number {
  const rows = shape.count * shape.rowPx - shape.viewPx;
  if (rows <= 0) return 0;
  const wanted = Math.min(Math.max(0, (row - before) * shape.rowPx), rows);
  return (wanted * (heightOf(shape) - shape.viewPx)) / rows;
}

function heightOf({ count, rowPx }: ListShape): number {
  return Math.min(count * rowPx, tallestPx);
}

/** The (fractional) row at the upper edge. */
function rowAt(shape: ListShape, scrollPx: number): number {
  const real = shape.count * shape.rowPx - shape.viewPx;
  const shown = heightOf(shape) - shape.viewPx;
  if (real <= 0 || shown <= 0) return 0;
  return (Math.min(Math.max(0, scrollPx), shown) * (real / shown)) / shape.rowPx;
}
