import { describe, expect, it } from "vitest";
import { LinePattern } from "./line-pattern.ts";

describe("a pattern for lines", () => {
  it.each([
    ["a text", "[Ww]arning: "],
    ["an expression with flags that remember", /warning: /giy],
  ])("counts the lines that match: %s", (_, expression) => {
    const pattern = new LinePattern(expression);
    for (let n = 0; n < 1200; n += 1) pattern.add(n % 3 === 0 ? "warning: x" : "fine");
    expect(pattern.end()).toEqual({ matches: 400, gaveUp: false });
  });

  it.each([
    ["exponential", "^(a+)+$"],
    ["quadratic in many lines", ".*.*.*[Ww]arning: .*"],
  ])("is given up when it takes too long: %s", (_, expression) => {
    const pattern = new LinePattern(expression);
    for (let n = 0; n < 5000; n += 1) pattern.add(`${"a".repeat(4000)}!`);
    expect(pattern.end()).toEqual({ matches: 0, gaveUp: true });
  });
});
