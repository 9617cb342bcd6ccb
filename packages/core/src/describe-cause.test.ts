import { expect, it } from "vitest";
import { describeCause } from "./describe-cause.ts";

it.each([
  ["change source is broken", "change source is broken"],
  ["request to https://bot:t0ken@example.org/x failed", "request to https://example.org/x failed"],
  ["connect postgres://ci:p@ss@db/state: refused", "connect postgres://db/state: refused"],
  ["GET /x?access_token=abc&y=1 failed", "GET /x?access_token=…"],
  ['bad answer: {"password": "a b"}', 'bad answer: {"password": …'],
  ["Authorization: Bearer abc", "Authorization: …"],
  ["update x set y = ? where z - 1 = ? - no such table: x", "no such table: x"],
  ["first line\n    at secrets (/srv/plugin.ts:3)", "first line"],
  ["x".repeat(10_000), "x".repeat(500)],
])("of %j is shown as %j", (message, shown) => {
  expect(describeCause(new Error(message))).toBe(shown);
});

it("also describes what is not an error", () => expect(describeCause("a text")).toBe("a text"));
