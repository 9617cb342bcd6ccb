import { expect, it } from "vitest";
import { readAnswer } from "./start-answers.ts";

it("a function is asked again when it says so, and no sooner than after a second", () => {
  expect(readAnswer({ refused: "full", askAgainIn: "10m" }, 5000)).toEqual({ kind: "no", why: "full", until: 605_000 });
  expect(readAnswer({ refused: "full", askAgainIn: 0 }, 5000)).toEqual({ kind: "no", why: "full", until: 6000 });
});
