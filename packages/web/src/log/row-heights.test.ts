import { expect, it } from "vitest";
import { scrollTo, topRowAt, windowAt } from "../list/window.ts";
import { RowHeights } from "./row-heights.ts";

it("a list with rows that were measured is drawn, and reached, where they are", () => {
  const rows = new RowHeights(20);
  expect(rows.measure(1, 100)).toBe(true);
  expect(rows.measure(1, 100)).toBe(false);
  expect(rows.measure(2_500, 60)).toBe(true);
  expect([0, 1, 2, 2_500, 2_501].map((row) => rows.offsetOf(row))).toEqual([0, 20, 120, 50_080, 50_140]);
  expect([0, 19, 20, 119, 120, 50_139].map((px) => rows.rowAt(px, 5_000))).toEqual([0, 0, 1, 1, 2, 2_500]);

  const shape = { count: 5_000, rowPx: 20, viewPx: 200, rows };
  expect(windowAt(shape, 0, 0)).toEqual({ from: 0, to: 7, topPx: 0, heightPx: 100_120 });
  expect(scrollTo(shape, 2_501, 4)).toBe(50_060);
  expect(topRowAt(shape, 50_060)).toEqual({ row: 2_499, before: 0 });
  expect(scrollTo(shape, 5_000)).toBe(99_920);
});
