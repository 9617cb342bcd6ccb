import { expect, it } from "vitest";
import type { Pattern } from "./contract.ts";
import { Interest } from "./interest.ts";

const patterns: Pattern[] = [
  ["builds", null, "finished"],
  ["builds", "7", null],
  [null, "7", "finished"],
  [null, null, null],
  ["builders", null, "builds", null, "new"],
];

it("finds each subscriber that may hear a key, in every thread that has the counters", () => {
  const interest = new Interest();
  const ofThread = new Interest(interest.counters);
  for (const pattern of patterns) {
    const key = pattern.map((part) => part ?? "7");
    expect(ofThread.has(key)).toBe(false);
    interest.add(pattern);
    interest.add(pattern);
    expect(ofThread.has(key)).toBe(true);
    expect(ofThread.has(key.map((part, i) => (i === 0 || i === key.length - 1 ? part : null)))).toBe(true);
    ofThread.remove(pattern);
    expect(interest.has(key)).toBe(true);
    interest.remove(pattern);
    expect(ofThread.has(key)).toBe(false);
  }
});

it("ignores subscribers of other topics", () => {
  const interest = new Interest();
  interest.add(["builds", null, "finished"]);
  expect(interest.has(["builds", "7", "new"])).toBe(false);
  expect(interest.has(["steps", "7", "finished"])).toBe(false);
  expect(interest.has(["builds", "7", "steps", "finished"])).toBe(false);
});
