import { type Result, Results, worstResult } from "@multimaster/core";
import type { StepRules } from "@multimaster/plugins";

/** How far a build has come: its result so far, and whether only steps that always run follow. */
export interface Standing {
  readonly results: Result;
  readonly halted: boolean;
}

export const atStart: Standing = { results: Results.SUCCESS, halted: false };

/** What a step's result makes of its build. */
export function applyStep(standing: Standing, rules: StepRules, result: Result): Standing {
  return {
    results: worstResult(standing.results, weigh(rules, result)),
    halted: standing.halted || isHalting(rules, result),
  };
}

/** Whether a step is run at all. */
export function isDue(standing: Standing, rules: StepRules): boolean {
  return !standing.halted || rules.alwaysRun;
}

function weigh(rules: StepRules, result: Result): Result {
  switch (result) {
    case Results.FAILURE:
      if (rules.flunkOnFailure) return Results.FAILURE;
      return rules.warnOnFailure ? Results.WARNINGS : Results.SUCCESS;
    case Results.WARNINGS:
      if (rules.flunkOnWarnings) return Results.FAILURE;
      return rules.warnOnWarnings ? Results.WARNINGS : Results.SUCCESS;
    default:
      return result;
  }
}

function isHalting(rules: StepRules, result: Result): boolean {
  switch (result) {
    case Results.FAILURE:
      return rules.haltOnFailure;
    case Results.EXCEPTION:
    case Results.RETRY:
    case Results.CANCELLED:
      return true;
    default:
      return false;
  }
}
