import { expect, it } from "vitest";
import { numberPlaceholders } from "./placeholders.ts";

it("placeholders are numbered, and each needs a binding that is not undefined", () => {
  expect(numberPlaceholders("select ?, ?", [1, null])).toBe("select $1, $2");
  expect(numberPlaceholders("select 1", [])).toBe("select 1");
  expect(() => numberPlaceholders("select ?, ?", [1])).toThrow("2 placeholders and 1 bindings");
  expect(() => numberPlaceholders("select ?", [])).toThrow("1 placeholders and 0 bindings");
  expect(() => numberPlaceholders("select 1", [1])).toThrow("0 placeholders and 1 bindings");
  expect(() => numberPlaceholders("select ?", [undefined])).toThrow("Binding 1 of a statement is undefined");
});
