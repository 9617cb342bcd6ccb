import { describeCause, type Json, waitAtMost } from "@multimaster/core";
import type { NewSourceStamp } from "@multimaster/data";
import { z } from "zod";
import type { PlannedBuildset, SchedulerContext, Submission } from "../define-scheduler.ts";
import type { Problems } from "./problems.ts";
import { type ChoosingOptions, schedulerProperties } from "./scheduler-options.ts";

/** A buildset before the functions of its options have chosen. */
export interface Plan {
  reason: string;
  sourceStamps: readonly (NewSourceStamp | number)[];
  /** The same, all with their values. */
  shown: readonly NewSourceStamp[];
  changeids: readonly number[];
  trigger?: PlannedBuildset["trigger"];
}

/** Longest time that a function of the config may take. */
const answerMs = 10_000;

const builderNames = z.array(z.string().min(1));
const properties = z.record(z.string(), z.json());
const priority = z.int32();

/** What options without functions choose for every buildset. */
export interface FixedChoice {
  readonly builders: readonly string[];
  readonly properties: Readonly<Record<string, Json>>;
  readonly priority: number;
}

/** The same choice for every buildset; undefined if functions choose for each. */
export function fixedChoice({ builders, properties, priority }: ChoosingOptions): FixedChoice | undefined {
  if (typeof builders === "function" || typeof properties === "function" || typeof priority === "function")
    return undefined;
  return { builders, properties, priority };
}

/** Whether functions choose for each buildset. */
export function choosesByFunction(options: ChoosingOptions): boolean {
  return fixedChoice(options) === undefined;
}

/** The submission of a plan whose options have no functions. */
export function planStatic(ctx: SchedulerContext, options: ChoosingOptions, plan: Plan): Submission {
  const { builders, properties, priority } = fixedChoice(options) as FixedChoice;
  return toSubmission(ctx, plan, builders, properties, priority);
}

/**
 * Asks the functions among the options what to build. Their errors are contained: what one of them cannot decide is not built,
 * and the others are not affected.
 */
export async function planBuildset(
  ctx: SchedulerContext,
  options: ChoosingOptions,
  plan: Plan,
  problems: Problems,
): Promise<{ submission: Submission | undefined }> {
  if (!choosesByFunction(options)) return { submission: planStatic(ctx, options, plan) };
  try {
    const changes = await ctx.readChanges(plan.changeids);
    const { reason, shown: sourceStamps, trigger = null } = plan;
    const planned: PlannedBuildset = { scheduler: ctx.name, reason, sourceStamps, changes, trigger };
    const chosen = [...new Set(await ask(ctx, "builders", options.builders, planned, builderNames))];
    const unknown = typeof options.builders === "function" ? await ctx.unknownBuilders(chosen) : [];
    const known = chosen.filter((name) => !unknown.includes(name));
    if (unknown.length > 0)
      problems.add(
        `"builders" chose ${unknown.map((name) => `"${name}"`).join(", ")} for ${describe(planned)}, and there is no such builder`,
      );
    if (known.length === 0 && unknown.length > 0) return { submission: undefined };
    const submission =
      known.length === 0
        ? { changeids: plan.changeids }
        : toSubmission(
            ctx,
            plan,
            known,
            await ask(ctx, "properties", options.properties, planned, properties),
            await ask(ctx, "priority", options.priority, planned, priority),
          );
    return { submission };
  } catch (error) {
    if (!(error instanceof ChoiceError)) throw error;
    problems.add(error.message, error.cause);
    return { submission: undefined };
  }
}

/** An error in a function of the config. */
class ChoiceError extends Error {}

async function ask<T>(
  ctx: SchedulerContext,
  option: string,
  value: T | ((planned: PlannedBuildset) => T | Promise<T>),
  planned: PlannedBuildset,
  schema: z.ZodType<T>,
): Promise<T> {
  if (typeof value !== "function") return value;
  const fail = (why: string, cause?: unknown) =>
    new ChoiceError(`the function "${option}" ${why} for ${describe(planned)}`, { cause });
  let answer: T | undefined;
  try {
    const asked = (value as (planned: PlannedBuildset) => T | Promise<T>)(planned);
    answer = await waitAtMost(ctx.clock, answerMs, Promise.resolve(asked), ctx.signal);
  } catch (error) {
    throw fail(`failed (${describeCause(error)})`, error);
  }
  if (answer === undefined) throw fail(`returned nothing within ${answerMs / 1000} s`);
  const parsed = schema.safeParse(answer);
  if (!parsed.success)
    throw fail(`returned an invalid value for ${option} (${z.prettifyError(parsed.error).slice(0, 200)})`);
  return parsed.data;
}

function describe({ changes, sourceStamps, trigger }: PlannedBuildset): string {
  if (trigger) return `a trigger of ${trigger.builder} #${trigger.number}`;
  const newest = changes.at(-1);
  if (newest) return `change ${newest.changeid}`;
  return sourceStamps
    .map(({ codebase, branch }) => [codebase, branch ?? "no branch"].filter(Boolean).join(" "))
    .join(", ");
}

function toSubmission(
  ctx: SchedulerContext,
  plan: Plan,
  builders: readonly string[],
  properties: Readonly<Record<string, Json>>,
  priority: number,
): Submission {
  const { reason, sourceStamps, changeids } = plan;
  return {
    changeids,
    buildset: { reason, sourceStamps, builders, properties: schedulerProperties(ctx.name, properties), priority },
  };
}
