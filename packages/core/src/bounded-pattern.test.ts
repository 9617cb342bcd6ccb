import { describe, expect, it } from "vitest";
import { boundedPattern, fitsGlob, PatternTooSlow } from "./bounded-pattern.ts";

describe("a bounded pattern", () => {
  it.each([
    [".*[Ww]arning: .*", "a".repeat(300_000)],
    ["(a+)+$", `${"a".repeat(300_000)}!`],
    ["(a|a)*b", "a".repeat(300_000)],
    ["(?:.*,){20}x", ",".repeat(100_000)],
    ["\\s+$", `${" ".repeat(300_000)}x`],
    ["\\S.*<\\S+@\\S+>", "a<".repeat(100_000)],
    ["(\\w+\\d+)+[.]", "a1".repeat(100_000)],
  ])("of %s takes time in proportion to the text", (source, hostile) => {
    const bounded = boundedPattern(source);
    expect([bounded.notLinear, bounded.test(hostile)]).toEqual([undefined, false]);
  });

  it("stays small, whatever texts it sees", () => {
    const bounded = boundedPattern(/(?:x.{12}|y.{11})z/u);
    for (let i = 0; i < 200_000; i += 1000)
      expect(
        bounded.test(String.fromCodePoint(...Array.from({ length: 500 }, (_, j) => 0x1000 + ((i + j * 7) % 50_000)))),
      ).toBe(false);
    expect(bounded.test(`x${"-".repeat(12)}z`)).toBe(true);
  });

  it.each([
    [/^(?!main$)/, "lookahead", "main", "mainly"],
    [/(?<!x)y/, "lookbehind", "xy", "zy"],
    [/(a|b)\1/, "a back reference", "ab", "aa"],
    [/(?:a{90}){90}|b/, "so many repetitions", "a", "b"],
  ])("%s is matched all the same, with a deadline: it has %s", (expression, why, other, found) => {
    const bounded = boundedPattern(expression);
    expect([bounded.notLinear, bounded.test(other), bounded.test(found)]).toEqual([why, false, true]);
  });

  it("that is too slow for a text says so", () => {
    const slow = boundedPattern(/^(?=x?)(a+)+$/);
    expect(() => slow.test(`${"a".repeat(50)}!`)).toThrow(PatternTooSlow);
    expect(slow.test("aaa")).toBe(true);
  });

  it("is a glob, too", () => {
    expect(fitsGlob("release/1.2", "release/*")).toBe(true);
    expect(fitsGlob("a\nb", "a*b")).toBe(true);
    expect(["a?c", "abc"].map((each) => fitsGlob(each, "a?c"))).toEqual([true, false]);
    expect(fitsGlob("abc", "a?c", { question: true })).toBe(true);
    expect(fitsGlob("x.y", "x[.]y")).toBe(false);
    expect(fitsGlob("a".repeat(100_000), "*a*a*a*a*a*b")).toBe(false);
  });
});
