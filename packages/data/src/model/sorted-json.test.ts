import { expect, it } from "vitest";
import { sortedJson } from "./sorted-json.ts";

it.each([
  ['{"b":1,"a":{"d":[{"z":1,"y":null}],"c":"x"}}', '{"a":{"c":"x","d":[{"y":null,"z":1}]},"b":1}'],
  ['[{"a":1,"b":2},{"b":2,"a":1}]', '[{"a":1,"b":2},{"a":1,"b":2}]'],
  ['{"z":1,"__proto__":{"b":1,"a":2}}', '{"__proto__":{"a":2,"b":1},"z":1}'],
  ['{"B":1,"a":2,"É":3}', '{"B":1,"a":2,"É":3}'],
  ["null", "null"],
])("the keys of %s are sorted at every depth", (text, sorted) => {
  expect(sortedJson(JSON.parse(text))).toBe(sorted);
});

it("leaves the value itself as it is", () => {
  const value = { b: [{ d: 1, c: 2 }], a: 1 };
  sortedJson(value);
  expect(Object.keys(value.b[0] as object)).toEqual(["d", "c"]);
});
