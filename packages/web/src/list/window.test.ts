import { describe, expect, it } from "vitest";
import { scrollTo, windowAt } from "./window.ts";

describe("the window of a long list", () => {
  const short = { count: 100, rowPx: 20, viewPx: 200 };
  const long = { count: 1_000_000, rowPx: 20, viewPx: 600 };

  it("draws the visible rows and a few more", () => {
    expect(windowAt(short, 0, 2)).toEqual({ from: 0, to: 12, topPx: 0, heightPx: 2000 });
    expect(windowAt(short, 400, 2)).toEqual({ from: 18, to: 32, topPx: 360, heightPx: 2000 });
  });

  it("draws a list that fits as it is", () => {
    expect(windowAt({ count: 3, rowPx: 20, viewPx: 200 }, 0)).toEqual({ from: 0, to: 3, topPx: 0, heightPx: 60 });
    expect(scrollTo({ count: 3, rowPx: 20, viewPx: 200 }, 2)).toBe(0);
  });

  it("reaches the last line of a list that is taller than a browser can draw", () => {
    const end = windowAt(long, 8_000_000 - 600);
    expect(end.heightPx).toBe(8_000_000);
    expect(end.to).toBe(1_000_000);
    // The last row ends where the list ends.
    expect(end.topPx + (end.to - end.from) * 20).toBeCloseTo(8_000_000, 3);
  });

  it("finds any row again by its scroll position", () => {
    for (const row of [0, 1, 4_711, 500_000, 999_960]) {
      const { from } = windowAt(long, scrollTo(long, row), 0);
      expect(Math.abs(from - row)).toBeLessThanOrEqual(1);
    }
  });
});
