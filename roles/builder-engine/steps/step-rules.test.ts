import { type Result, Results } from "@multimaster/core";
import { type StepRules, usualRules } from "@multimaster/plugins";
import { describe, expect, it } from "vitest";
import { applyOutcome, applyStep, atStart, isDue } from "./step-rules.ts";

const { SUCCESS, WARNINGS, FAILURE, SKIPPED, EXCEPTION, RETRY, CANCELLED } = Results;

describe("what a step's result makes of its build", () => {
  const table: [rules: Partial<StepRules>, step: Result, build: Result, halted: boolean][] = [
    [{}, SUCCESS, SUCCESS, false],
    [{}, SKIPPED, SUCCESS, false],
    [{}, WARNINGS, SUCCESS, false],
    [{ warnOnWarnings: true }, WARNINGS, WARNINGS, false],
    [{ flunkOnWarnings: true }, WARNINGS, FAILURE, false],
    [{ flunkOnWarnings: true, warnOnWarnings: true }, WARNINGS, FAILURE, false],
    [{}, FAILURE, FAILURE, false],
    [{ haltOnFailure: true }, FAILURE, FAILURE, true],
    [{ flunkOnFailure: false }, FAILURE, SUCCESS, false],
    [{ flunkOnFailure: false, haltOnFailure: true }, FAILURE, SUCCESS, true],
    [{ flunkOnFailure: false, warnOnFailure: true }, FAILURE, WARNINGS, false],
    [{ warnOnFailure: true }, FAILURE, FAILURE, false],
    [{ haltOnFailure: true }, WARNINGS, SUCCESS, false],
    [{ flunkOnFailure: false }, EXCEPTION, EXCEPTION, true],
    [{}, RETRY, RETRY, true],
    [{}, CANCELLED, CANCELLED, true],
  ];

  it.each(table)("%j and result %i give %i, halted: %s", (rules, step, build, halted) => {
    expect(applyStep(atStart, { ...usualRules, ...rules }, step)).toEqual({ results: build, halted });
  });

  it("keeps the worst result, and once halted stays so", () => {
    const failed = applyStep(atStart, { ...usualRules, haltOnFailure: true }, FAILURE);
    expect(applyStep(failed, usualRules, SUCCESS)).toEqual({ results: FAILURE, halted: true });
    expect(applyStep(failed, usualRules, EXCEPTION).results).toBe(EXCEPTION);
  });

  it("is replaced by a step that ends the build, unless that only cleans up", () => {
    const failed = applyStep(atStart, { ...usualRules, haltOnFailure: true }, FAILURE);
    const ends = { results: SUCCESS, build: { results: SKIPPED, text: "nothing to do" } };
    expect(applyOutcome(atStart, usualRules, ends)).toEqual({ ...ends.build, halted: true });
    expect(applyOutcome(failed, { ...usualRules, cleanUp: true }, ends)).toEqual(failed);
    expect(applyOutcome(atStart, { ...usualRules, cleanUp: true }, { ...ends, halts: true })).toEqual(atStart);
  });

  it.each([
    [FAILURE, SUCCESS, FAILURE],
    [FAILURE, WARNINGS, FAILURE],
    [FAILURE, SKIPPED, FAILURE],
    [EXCEPTION, FAILURE, EXCEPTION],
    [CANCELLED, SUCCESS, CANCELLED],
    [FAILURE, EXCEPTION, EXCEPTION],
    [WARNINGS, SUCCESS, SUCCESS],
  ])("of %i is not made better by an ending as %i if the build has failed: %i", (results, ending, build) => {
    for (const halted of [true, false]) {
      const ends = { results: SUCCESS, build: { results: ending, text: "all is well" } };
      const applied = applyOutcome({ results, halted }, { ...usualRules, alwaysRun: true }, ends);
      expect(applied).toEqual({ results: build, halted: true, ...(build === ending ? { text: "all is well" } : {}) });
    }
  });

  it("lets only steps that always run follow a halt", () => {
    const halted = { results: FAILURE, halted: true };
    expect(isDue(halted, usualRules)).toBe(false);
    expect(isDue(halted, { ...usualRules, alwaysRun: true })).toBe(true);
    expect(isDue(atStart, usualRules)).toBe(true);
  });
});
