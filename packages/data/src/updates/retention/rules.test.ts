import { expect, it } from "vitest";
import { fitsBranches } from "./rules.ts";

it.each([
  [["pr/*"], ["pr/1"], true],
  [["pr/*"], ["pr/1", "main"], false],
  [["pr/*"], [null], false],
  [["pr/*"], [], false],
  [["*"], [], true],
])("a rule for %j takes a build of the branches %j: %s", (branches, own, isTaken) => {
  const rule = { name: "r", delete: "builds", branches } as const;
  expect(fitsBranches(rule, own)).toBe(isTaken);
});
