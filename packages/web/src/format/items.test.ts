import { expect, it } from "vitest";
import { countKinds, kindOfItem, wordOfItem } from "./items.ts";

it("counts items by kind over all steps of a build, failures first", () => {
  const count = (stepid: number, state: string, results: number | null, n: number) => ({
    stepid,
    state,
    results,
    count: n,
  });
  const kinds = countKinds([
    count(1, "ended", 0, 1990),
    count(1, "ended", 3, 4),
    count(1, "waiting", null, 2),
    count(1, "ended", 2, 3),
    count(2, "ended", 0, 10),
  ]);
  expect(kinds.map(({ word, count }) => `${count} ${word}`)).toEqual([
    "3 failure",
    "2 waiting",
    "4 not built",
    "2000 success",
  ]);
});

it("shows what its step has left as cancelled, and what has not begun as pending", () => {
  expect(kindOfItem({ state: "abandoned", results: null })).toBe("cancelled");
  expect(kindOfItem({ state: "waiting", results: null })).toBe("pending");
  expect(wordOfItem({ state: "building", results: null })).toBe("building");
});
