import type { ConfigWarning } from "@multimaster/config";
import type { Json } from "@multimaster/core";
import type { Change, NewSourceStamp } from "@multimaster/data";
import { z } from "zod";
import type { SavedState, SchedulerContext } from "../../define-scheduler.ts";
import { classifyUnseen } from "../classify-changes.ts";
import { planBuildset } from "../planned-buildset.ts";
import { Problems } from "../problems.ts";
import {
  choosingShape,
  classifyingShape,
  codebases,
  warningsOfChangeFunctions,
  warningsOfChoice,
} from "../scheduler-options.ts";
import type { SlotPlan, Timed } from "./run-at-slots.ts";
import { slotShape } from "./timed-options.ts";

/** Options of the schedulers that build at their times what is newest then. */
export const timedShape = {
  ...choosingShape,
  ...slotShape,
  branch: z
    .string()
    .nullable()
    .optional()
    .describe(
      "The branch to build, and whose changes count; absent: the repository's own, or with `onlyIfChanged` that of the newest change of any branch.",
    ),
  codebases: codebases.describe("Builds get a source stamp for each; absent: one, with the branch."),
  onlyIfChanged: z
    .boolean()
    .default(false)
    .describe("Builds only if an important change has come since its last build, and builds that change."),
  createAbsoluteSourceStamps: z
    .boolean()
    .default(false)
    .describe(
      "Builds the revision of the newest change of each codebase, in place of what is newest when the build runs.",
    ),
  ...classifyingShape,
};

const timedOptions = z.object(timedShape);
export type TimedOptions = z.output<typeof timedOptions>;

/** Whether it must know the changes at all. */
export function usesChanges({ onlyIfChanged, createAbsoluteSourceStamps }: TimedOptions): boolean {
  return onlyIfChanged || createAbsoluteSourceStamps;
}

/** Options with which it never builds, and those that have no effect. */
export function warningsOfTimed(options: TimedOptions): ConfigWarning[] {
  return [...warningsOfChoice(options), ...warningsOfChanges(options)];
}

function warningsOfChanges(options: TimedOptions): ConfigWarning[] {
  if (usesChanges(options))
    return [
      ...warnOfAnyBranch(options),
      ...(options.onlyIfChanged ? warningsOfChangeFunctions(options, "nothing is ever built") : []),
    ];
  const ofChanges = ["changeFilter", "fileIsImportant", "onlyImportant"] as const;
  return ofChanges
    .filter((name) => options[name])
    .map((name) => ({
      path: [name],
      sentence: 'has no effect without "onlyIfChanged" or "createAbsoluteSourceStamps": set one of them, or remove it',
    }));
}

/** Without a branch it builds the branch of whichever change is the newest: rarely what is wanted. */
function warnOfAnyBranch({ branch, changeFilter = {}, onlyIfChanged }: TimedOptions): ConfigWarning[] {
  if (branch !== undefined || Object.keys(changeFilter).length > 0) return [];
  const option = onlyIfChanged ? "onlyIfChanged" : "createAbsoluteSourceStamps";
  const sentence =
    'counts changes of every branch, since "branch" is not set, and builds the branch of the newest one: set "branch", or "changeFilter.branch"';
  return [{ path: [option], sentence }];
}

/** Buildbot's shape of the newest change of each codebase that it has built. */
const lastCodebases = z.record(
  z.string(),
  z.object({
    repository: z.string(),
    branch: z.string().nullable(),
    revision: z.string().nullable(),
    lastChange: z.number(),
  }),
);

/** The part of a timed scheduler that decides what a slot builds. */
export function buildAtSlots(
  ctx: SchedulerContext,
  className: string,
  options: TimedOptions,
): Pick<Timed, "decide" | "missed"> & Partial<Pick<Timed, "prepare">> {
  const problems = new Problems(ctx);
  const concerns = ({ branch }: Change) => options.branch === undefined || branch === options.branch;
  const classifying = { options, concerns, batches: true, problems };
  async function prepare(signal: AbortSignal) {
    const classified = await classifyUnseen(ctx, classifying, signal);
    // Other problems are those of the latest slot, and stay until the next one.
    if (problems.functions.failing.length > 0) await problems.show(ctx);
    return classified;
  }
  return {
    missed: options.missed,
    ...(usesChanges(options) ? { prepare } : {}),
    async decide(slot, late) {
      const plan = await planSlot(ctx, className, options, { slot, late, problems });
      await problems.show(ctx);
      return plan;
    },
  };
}

async function planSlot(
  ctx: SchedulerContext,
  className: string,
  options: TimedOptions,
  { slot, late, problems }: { slot: number; late: string; problems: Problems },
): Promise<SlotPlan> {
  const classified = usesChanges(options) ? await ctx.classifiedChanges() : [];
  const saved: SavedState[] = [{ name: "last_build", value: slot }];
  if (options.onlyIfChanged && !classified.some(({ important }) => important))
    return { outcome: "unchanged", states: saved };

  const stamps = new Map<string, { shown: NewSourceStamp; id?: number }>();
  for (const shown of ownStamps(options)) stamps.set(shown.codebase, { shown });
  const remembered = options.createAbsoluteSourceStamps ? await readLast(ctx) : {};
  for (const [codebase, { repository, branch, revision }] of Object.entries(remembered)) {
    const own = stamps.get(codebase)?.shown;
    if (own) stamps.set(codebase, { shown: { ...own, repository, branch, revision } });
  }
  for (const { change } of classified) {
    const { changeid, branch, revision, repository, project, codebase, sourcestamp } = change;
    stamps.set(codebase, { shown: { branch, revision, repository, project, codebase }, id: sourcestamp.ssid });
    remembered[codebase] = { repository, branch, revision, lastChange: changeid };
  }
  if (options.createAbsoluteSourceStamps) saved.push({ name: "lastCodebases", value: remembered as Json });
  const all = [...stamps.values()];
  const { submission } = await planBuildset(
    ctx,
    options,
    {
      reason: `${options.reason ?? `The ${className} scheduler named '${ctx.name}' triggered this build`}${late}`,
      sourceStamps: all.map(({ shown, id }) => id ?? shown),
      shown: all.map(({ shown }) => shown),
      changeids: classified.map(({ change }) => change.changeid),
    },
    problems,
  );
  // The changes stay for the next slot.
  if (!submission) return { outcome: "failed" };
  return { outcome: submission.buildset ? "built" : "unchanged", submission, states: saved };
}

/** The source stamps without any change. */
function ownStamps({ branch = null, codebases }: TimedOptions): NewSourceStamp[] {
  if (!codebases) return [{ codebase: "", branch, revision: null, repository: "", project: "" }];
  return Object.entries(codebases).map(([codebase, stamp]) => ({
    ...stamp,
    branch: stamp.branch ?? branch,
    codebase,
  }));
}

async function readLast(ctx: SchedulerContext): Promise<z.output<typeof lastCodebases>> {
  const parsed = lastCodebases.safeParse(await ctx.getState("lastCodebases"));
  return parsed.success ? parsed.data : {};
}
