import { expect, it } from "vitest";
import { describeAsking } from "./reasons.ts";

it("a function that refused is asked again at a time, and now if that is over", () => {
  expect(describeAsking(1800, 1000)).toBe("; it is asked again at 1970-01-01T00:30:00Z");
  expect(describeAsking(1800, 1800)).toBe("; it is being asked again now");
  expect(describeAsking(null)).toBe("");
});
