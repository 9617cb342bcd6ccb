import { expect, it } from "vitest";
import { readSeconds } from "./read-seconds.ts";

it.each([
  ["0.25", 0.25],
  [".5", 0.5],
  ["3.", 3],
  ["1e-3", 0.001],
  ["1,234.5", 1234.5],
  ["1,234,567", 1_234_567],
  ["1.234,5", 1234.5],
  ["0,160", 0.16],
  ["12,5", 12.5],
  ["1,25", 1.25],
  ["1234,567", 1234.567],
  // A thousandfold is worse than nothing.
  ["1,250", null],
  ["999,999", null],
  // Nanoseconds, a point in time, and other things that are no seconds.
  ["548392417", null],
  ["1719930000", null],
  ["1e300", null],
  ["-1", null],
  ["NaN", null],
  ["Infinity", null],
  ["1.2.3", null],
  ["0x10", null],
  ["1".repeat(100_000), null],
  ["", null],
  [undefined, null],
])("a time %s is %s seconds", (text, seconds) => expect(readSeconds(text)).toBe(seconds));
