import { describe, expect, it } from "vitest";
import { assertKey, patternText } from "./key.ts";

describe("a pattern", () => {
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
