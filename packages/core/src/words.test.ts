import { describe, expect, it } from "vitest";
import { duration } from "./duration.ts";
import { pythonJson } from "./json.ts";
import { Properties } from "./properties.ts";
import { Results, worstResult } from "./results.ts";

describe("results", () => {
  it("combine to the worse one; every other result wins over a skip", () => {
    expect(worstResult(Results.SUCCESS, Results.SKIPPED)).toBe(Results.SUCCESS);
    expect(worstResult(Results.WARNINGS, Results.FAILURE)).toBe(Results.FAILURE);
    expect(worstResult(Results.RETRY, Results.CANCELLED)).toBe(Results.CANCELLED);
    expect(worstResult(Results.EXCEPTION, Results.FAILURE)).toBe(Results.EXCEPTION);
  });
});

describe("JSON as Python writes it", () => {
  it("is ASCII, with a space after commas and colons", () => {
    expect(pythonJson({ a: [1, "é😀", null], b: true })).toBe('{"a": [1, "\\u00e9\\ud83d\\ude00", null], "b": true}');
    expect(pythonJson([])).toBe("[]");
  });
});

describe("lengths of time", () => {
  it("are seconds, or text with a unit, and become milliseconds", () => {
    expect([5, "500ms", "90s", "1.5m", "2h", "1d"].map((value) => duration.parse(value))).toEqual([
      5000, 500, 90_000, 90_000, 7_200_000, 86_400_000,
    ]);
    for (const wrong of [-1, "15 s", "soon", ""]) expect(duration.safeParse(wrong).success).toBe(false);
  });
});

describe("properties", () => {
  it("keep the source of the last setting, and report each change once", () => {
    const properties = Properties.from({ branch: ["main", "Scheduler"] });
    properties.set("branch", "topic", "Build");
    properties.set("n", 1, "Step");
    expect(properties.takeChanged()).toEqual({ branch: ["topic", "Build"], n: [1, "Step"] });
    expect(properties.takeChanged()).toEqual({});
    expect(properties.get("branch")).toBe("topic");
  });
});
