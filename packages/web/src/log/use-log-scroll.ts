import type { RefObject } from "preact";
import { useCallback, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { type ListShape, type ListWindow, scrollTo, topRowAt, windowAt } from "../list/window.ts";
import { RowHeights } from "./row-heights.ts";
import type { ShownRows } from "./shown-rows.ts";

export const rowPx = 20;
/** Rows that are drawn above and below what is seen. */
const overscan = 20;

interface View {
  readonly scrollPx: number;
  readonly viewPx: number;
  readonly widthPx: number;
  readonly wraps: boolean;
}

/** The rows to draw, and how to go to a line. */
export interface LogScroll {
  readonly seen: ListWindow;
  goTo(line: number): void;
  /** Whether the view is where the page itself has scrolled to. */
  isOwn(): boolean;
  /** While it is set, the end of the log stays in sight, and no line is held. */
  readonly follows: { current: boolean };
}

/**
 * Scrolls by lines. The height of a wrapped line is known once it is drawn, and folding moves what is below: the line that the
 * reader looks at, or was led to, is held where it is.
 */
export function useLogScroll(ref: RefObject<HTMLElement | null>, rows: ShownRows, view: View): LogScroll {
  const heights = useMemo(() => new RowHeights(rowPx), [rows.layout, view.wraps, view.widthPx]);
  const [, redraw] = useState(0);
  const held = useRef({ line: 0, before: 0 });
  const ownPx = useRef(0);
  const follows = useRef(false);
  const shape: ListShape = { count: rows.count, rowPx, viewPx: view.viewPx, rows: heights };
  const drawn = useRef({ rows, shape });

  /** Holds another line if the reader has scrolled. */
  const notice = () => {
    const element = ref.current;
    if (!element || Math.abs(element.scrollTop - ownPx.current) <= 1) return;
    ownPx.current = element.scrollTop;
    const { row, before } = topRowAt(drawn.current.shape, element.scrollTop);
    held.current = { line: drawn.current.rows.lineOf(row), before };
  };
  const apply = () => {
    const element = ref.current;
    if (!element || follows.current) return;
    const { rows: lines, shape: shown } = drawn.current;
    const { line, before } = held.current;
    element.scrollTop = scrollTo({ ...shown, viewPx: element.clientHeight }, lines.rowOf(line), before);
    ownPx.current = element.scrollTop;
  };

  useLayoutEffect(() => {
    notice();
    const before = drawn.current;
    drawn.current = { rows, shape };
    const hasGrown = view.wraps && measure(ref.current, rows, heights);
    if (hasGrown) redraw((n) => n + 1);
    if (hasGrown || before.shape.rows !== heights) apply();
  });
  return {
    seen: windowAt(shape, view.scrollPx, overscan),
    follows,
    isOwn: () => Math.abs((ref.current?.scrollTop ?? 0) - ownPx.current) <= 1,
    goTo: useCallback((line) => {
      held.current = { line, before: 4 };
      follows.current = false;
      apply();
    }, []),
  };
}

/** Measures the rows that are drawn; returns whether one has another height than before. */
function measure(element: HTMLElement | null, rows: ShownRows, heights: RowHeights): boolean {
  let hasChanged = false;
  for (const drawn of element?.querySelectorAll<HTMLElement>(".log-line[data-line]") ?? []) {
    const row = rows.rowOf(Number(drawn.dataset["line"]) - 1);
    if (heights.measure(row, drawn.getBoundingClientRect().height)) hasChanged = true;
  }
  return hasChanged;
}
