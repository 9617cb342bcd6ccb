import { expect, it } from "vitest";
import { timeOf } from "./use-log-times.ts";

it("a line has the time of the last one at or before it", () => {
  const times = [
    { firstline: 3, at: 10 },
    { firstline: 4, at: 11 },
    { firstline: 9, at: 20 },
  ];
  expect([0, 2, 3, 4, 8, 9, 1000].map((line) => timeOf(times, line))).toEqual([
    undefined,
    undefined,
    10,
    11,
    11,
    20,
    20,
  ]);
  expect(timeOf([], 5)).toBeUndefined();
});
