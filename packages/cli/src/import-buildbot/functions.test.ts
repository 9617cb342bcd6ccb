import { describe, expect, it } from "vitest";
import type { Value } from "./document.ts";
import { functionText, type Term, theBuild, type Wanted } from "./functions.ts";

const property = (name: string, ...more: Value[]): Value => ({
  is: "method",
  of: { is: "name", name: "step" },
  name: "getProperty",
  args: [name, ...more],
});
const operation = (operator: string, ...args: Value[]): Value => ({ is: "operation", operator, args });
const files: Value = { is: "attribute", of: { is: "name", name: "step" }, name: "files" };

function translate(value: Value, wanted: Wanted, given: Term = theBuild): string {
  return functionText({ is: "function", name: "f", reads: { parameters: ["step"], value } }, [given], wanted);
}

describe("a function of Python's", () => {
  it.each<[string, Value, Wanted, string]>([
    ["compares", operation("==", property("a"), "x"), "flag", 'build.property("a") === "x"'],
    ["keeps the value of `or`", operation("or", property("a"), "x"), "text", '(build.property("a") || "x")'],
    [
      "asks of `and` only whether it is true",
      operation("and", property("a"), operation("not", property("b"))),
      "flag",
      '(Boolean(build.property("a")) && !(Boolean(build.property("b"))))',
    ],
    ["has the default of a property", property("a", "b"), "json", '(build.property("a") ?? "b") ?? ""'],
    [
      "is a list of texts",
      ["make", operation("text", "-j", property("jobs", 4))],
      "text",
      '["make", `-j${(build.property("jobs") ?? 4) ?? ""}`]',
    ],
    [
      "looks for a text in a list, or in a text",
      operation("and", operation("in", property("a"), ["x", "y"]), operation("not in", "z", property("b"))),
      "flag",
      '(["x", "y"].includes(String(build.property("a") ?? "")) && !String(build.property("b") ?? "").includes("z"))',
    ],
  ])("%s", (_, value, wanted, code) => {
    if (wanted === "text" && code.startsWith("(")) expect(translate(value, wanted)).toBe(`String(${code} ?? "")`);
    else expect(translate(value, wanted)).toBe(code);
  });

  it("of a change loops over its files", () => {
    const isCode: Value = { is: "method", of: { is: "name", name: "n" }, name: "endswith", args: [".c"] };
    const any: Value = { is: "each", kind: "any", variable: "n", of: files, conditions: [], element: isCode };
    expect(translate(any, "flag", { code: "change", role: "change" })).toBe(
      'change.files.some((n) => n.endsWith(".c"))',
    );
  });

  it.each<[string, Value]>([
    ["the truth of a list as a value", operation("or", files, "x")],
    ["an attribute that is not known", { is: "attribute", of: { is: "name", name: "step" }, name: "secret" }],
    ["a parameter that is not given", { is: "name", name: "other" }],
    [
      "a variable that is a word of JavaScript",
      { is: "each", kind: "any", variable: "new", of: files, conditions: [], element: true },
    ],
  ])("is left to a person if it needs %s", (_, value) => {
    expect(() => translate(value, "text", { code: "change", role: "change" })).toThrow("the function f");
  });
});
