import { z } from "zod";
import { longestWaitSeconds } from "./await-outcome.ts";

/** The parameters that several actions have. Each schema has one message, whatever is wrong. */

/** Seconds for which the caller waits for the outcome; see await-outcome.ts. */
const wrongWait = `'wait' must be a number of seconds, at most ${longestWaitSeconds}`;
export const wait = z
  .number(wrongWait)
  .min(0, wrongWait)
  .max(longestWaitSeconds, wrongWait)
  .nullish()
  .transform((seconds) => seconds ?? undefined);

export const noReason = "no reason";
export const reason = z
  .string("'reason' must be a string")
  .nullish()
  .transform((text) => text?.trim() || noReason);

const wrongDeadline = "'deadline' must be a number of seconds";
/** Seconds, or null for as long as it takes. */
export const deadline = z
  .number(wrongDeadline)
  .min(0, wrongDeadline)
  .max(1e9, wrongDeadline)
  .nullish()
  .transform((seconds) => seconds ?? null);

const wrongRole = "'role' must be given as the name of a role";
export const role = z.string(wrongRole).min(1, wrongRole).max(32, wrongRole);

const wrongSets = "'builders' must be a list of names of builder sets";
export const builderSets = z
  .array(z.string(wrongSets), wrongSets)
  .nullish()
  .transform((names) => names ?? undefined);

export const dryRun = z
  .boolean("'dry_run' must be true or false")
  .nullish()
  .transform((given) => given ?? false);
