import { expect, it } from "vitest";
import { foldSteps } from "./fold-steps.ts";

const fold = (steps: string, kept = "") =>
  foldSteps(
    [...steps],
    (step) => step !== "x",
    (step) => step === kept,
  )
    .map((run) => ("step" in run ? run.step : `(${run.passed.length})`))
    .join("");

it("folds long runs of steps that passed in a long list, and keeps failures and the chosen step in sight", () => {
  expect(fold("aaaaaaax")).toBe("aaaaaaax");
  expect(fold("aaaaaaaaaaaaxaaax")).toBe("(12)xaaax");
  expect(fold("aaaaabaaaaaaxaaaa", "b")).toBe("(5)b(6)x(4)");
});
