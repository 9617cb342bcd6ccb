import type { Json } from "@multimaster/core";
import type { NewSourceStamp } from "@multimaster/data";
import { z } from "zod";
import type { PlannedBuildset, SchedulerContext, Submission } from "../define-scheduler.ts";
import { OptionFailed, OptionRests } from "../option-functions.ts";
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
 * and the others are not affected. `rests`: a function is not called now, so that the plan can only be asked about later.
 */
export async function planBuildset(
  ctx: SchedulerContext,
  options: ChoosingOptions,
  plan: Plan,
  problems: Problems,
): Promise<{ submission: Submission | undefined; rests?: true }> {
  if (!choosesByFunction(options)) return { submission: planStatic(ctx, options, plan) };
  try {
    const changes = await ctx.readChanges(plan.changeids);
    const { reason, shown: sourceStamps, trigger = null } = plan;
    const planned: PlannedBuildset = { scheduler: ctx.name, reason, sourceStamps, changes, trigger };
    const ask = <T>(option: keyof ChoosingOptions, value: Choice<T>, schema: z.ZodType<T>) =>
      choose(problems, { option, value, schema }, planned, ctx.signal);
    const chosen = [...new Set(await ask("builders", options.builders, builderNames))];
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
            await ask("properties", options.properties, properties),
            await ask("priority", options.priority, priority),
          );
    return { submission };
  } catch (error) {
    if (!(error instanceof OptionFailed)) throw error;
    problems.add(error.message, error.cause);
    return { submission: undefined, ...(error instanceof OptionRests ? { rests: true } : {}) };
  }
}

type Choice<T> = T | ((planned: PlannedBuildset) => T | Promise<T>);

async function choose<T>(
  { functions }: Problems,
  { option, value, schema }: { readonly option: string; readonly value: Choice<T>; readonly schema: z.ZodType<T> },
  planned: PlannedBuildset,
  signal: AbortSignal,
): Promise<T> {
  if (typeof value !== "function") return value;
  const about = describe(planned);
  const fn = value as (planned: PlannedBuildset) => T | Promise<T>;
  const parsed = schema.safeParse(await functions.callAsync({ option, about }, () => fn(planned), signal));
  if (parsed.success) return parsed.data;
  const why = z.prettifyError(parsed.error).slice(0, 200);
  throw new OptionFailed(`the function "${option}" returned an invalid value for ${option} (${why}) for ${about}`);
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
