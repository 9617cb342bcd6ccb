import { type Result, Results, worstResult } from "@multimaster/core";
import type { StepEnd, StepRules } from "@multimaster/plugins";

/** How far a build has come: its result so far, and whether only steps that always run follow. */
export interface Standing {
  readonly results: Result;
  readonly halted: boolean;
  /** The build's text, if a step has ended the build. */
  readonly text?: string | undefined;
}

export const atStart: Standing = { results: Results.SUCCESS, halted: false };

/** What a step's result makes of its build. */
export function applyStep(standing: Standing, rules: StepRules, result: Result): Standing {
  if (rules.cleanUp) return standing;
  const weighed = weigh(rules, result);
  // A success leaves a build alone that was ended as skipped.
  const isSuccess = weighed === Results.SUCCESS || weighed === Results.SKIPPED;
  const results = standing.halted && isSuccess ? standing.results : worstResult(standing.results, weighed);
  // A text belongs to the result that it was given with.
  const text = results === standing.results ? standing.text : undefined;
  return { results, halted: standing.halted || isHalting(rules, result), ...(text === undefined ? {} : { text }) };
}

/**
 * The same for a step that may have ended the build, which a step that only cleans up cannot. No ending makes the
 * result of a build better that has failed.
 */
export function applyOutcome(
  standing: Standing,
  rules: StepRules,
  { results, build, halts }: Pick<StepEnd, "results" | "build" | "halts">,
): Standing {
  if (rules.cleanUp) return standing;
  if (build !== undefined) return { ...weighEnding(standing, build), halted: true };
  const applied = applyStep(standing, rules, results);
  return halts ? { ...applied, halted: true } : applied;
}

function weighEnding(standing: Standing, ending: NonNullable<StepEnd["build"]>): Pick<Standing, "results" | "text"> {
  const isGood = ([Results.SUCCESS, Results.WARNINGS, Results.SKIPPED] as Result[]).includes(standing.results);
  return isGood || worstResult(ending.results, standing.results) === ending.results ? ending : standing;
}

/** Whether a step is run at all. */
export function isDue(standing: Standing, rules: StepRules): boolean {
  return !standing.halted || rules.alwaysRun || rules.cleanUp;
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
