import { describe, expect, it } from "vitest";
import { assertKey, matchesPattern, patternText } from "./key.ts";

describe("a pattern", () => {
  it("matches keys of equal length, null standing for one part", () => {
    expect(matchesPattern(["builds", null, "new"], ["builds", "5", "new"])).toBe(true);
    expect(matchesPattern(["builds", "5", "new"], ["builds", "5", "new"])).toBe(true);
    expect(matchesPattern([null, null, null], ["builds", "5", "new"])).toBe(true);
  });

  it("matches nothing longer, shorter or different", () => {
    expect(matchesPattern(["builds", null, "new"], ["builders", "1", "builds", "2", "new"])).toBe(false);
    expect(matchesPattern(["builds", null, "new"], ["builds", "new"])).toBe(false);
    expect(matchesPattern(["builds", null, "new"], ["builds", "5", "finished"])).toBe(false);
    expect(matchesPattern([], ["builds"])).toBe(false);
  });

  it("is written with nothing for null, as WAMP routers want it", () => {
    expect(patternText(["builds", null, "new"])).toBe("builds..new");
    expect(patternText([null, "1", null])).toBe(".1.");
  });
});

describe("a key", () => {
  it("may hold any letters, but nothing that routers take apart", () => {
    expect(() => assertKey(["steps", "1", "logs", "übersicht_日本", "new"])).not.toThrow();
    for (const bad of ["", "a.b", "#", "a b", "a\u00a0b", "\n"])
      expect(() => assertKey(["steps", bad])).toThrow(TypeError);
    expect(() => assertKey([])).toThrow(TypeError);
  });
});
