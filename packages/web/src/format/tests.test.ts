import { expect, it } from "vitest";
import { filterTests, formatTestTime } from "./tests.ts";

it("the shorter a test took, the finer its time is shown", () => {
  const ms = 1_000_000;
  expect([null, 0, 3 * ms, 250 * ms, 12_340 * ms, 125_000 * ms].map(formatTestTime)).toEqual([
    "–",
    "0 ms",
    "3 ms",
    "0.25 s",
    "12.3 s",
    "2:05",
  ]);
});

it("tests are found by any part of their name", () => {
  const rows = [{ name: "pkg.Sum.adds" }, { name: null }];
  expect(filterTests(rows, " sum ")).toEqual([{ name: "pkg.Sum.adds" }]);
  expect(filterTests(rows, "")).toEqual(rows);
});
