import { expect, it } from "vitest";
import { formatWhen } from "./when.ts";

const now = 1_000_000;
const tty = { isTty: true };

it("says in a terminal how long ago, and how long until", () => {
  const ago = [0, 40, 119, 200, 3 * 3600 + 5, 50 * 3600].map((seconds) => formatWhen(now - seconds, tty, now));
  expect(ago).toEqual(["0 s ago", "40 s ago", "119 s ago", "3 min ago", "3 h ago", "2 d ago"]);
  expect(formatWhen(now + 125, tty, now)).toBe("in 2 min");
});

it("writes the exact time into a pipe", () => {
  expect(formatWhen(1_764_276_000, { isTty: false }, now)).toBe("2025-11-27T20:40:00Z");
});
