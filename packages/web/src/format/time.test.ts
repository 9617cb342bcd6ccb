import { describe, expect, it } from "vitest";
import { formatAgo, formatDuration, median } from "./time.ts";

describe("times", () => {
  it("shows durations as people read them on a clock", () => {
    expect([0, 4.4, 65, 600, 3725, 3 * 86_400].map(formatDuration)).toEqual([
      "0 s",
      "4 s",
      "1:05",
      "10:00",
      "1:02:05",
      "3 days",
    ]);
    expect(formatDuration(-3)).toBe("0 s");
  });

  it("says how long ago, and how long until", () => {
    const now = 1_000_000;
    const ago = [2, 40, 200, 2 * 3600 + 5, 50 * 3600].map((seconds) => formatAgo(now - seconds, now));
    expect(ago).toEqual(["just now", "40 s ago", "3 min ago", "2 h ago", "2 days ago"]);
    expect(formatAgo(now + 125, now)).toBe("in 2 min");
  });

  it("takes the middle one as the estimate", () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([])).toBeUndefined();
  });
});
