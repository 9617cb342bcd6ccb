import { z } from "zod";
import { defineScheduler, type SchedulerContext } from "../define-scheduler.ts";
import { planBuildset } from "./planned-buildset.ts";
import { Problems } from "./problems.ts";
import { choosingShape, codebases, namedBuilders, warningsOfChoice } from "./scheduler-options.ts";
import { nextRun } from "./timed/next-run.ts";
import { runAtSlots, type SlotPlan } from "./timed/run-at-slots.ts";
import { checkTimetable, readTimetable, slotShape, specOf, timetableShape } from "./timed/timed-options.ts";
import { planTrigger } from "./triggered-buildset.ts";

const className = "NightlyTriggerable";

const { runAtStart: _, ...times } = timetableShape;

const options = z
  .strictObject({
    ...choosingShape,
    ...slotShape,
    ...times,
    codebases: codebases.describe(
      "Its builds get a source stamp for each, with these values unless the trigger sets others.",
    ),
  })
  .superRefine((options, ctx) => checkTimetable({ ...options, runAtStart: false }, ctx));

type NightlyTriggerableOptions = z.output<typeof options>;

/**
 * Builds at times of day what the latest trigger since the last time asked for; without one, nothing:
 * `nightlyTriggerable({ name: "release", builders: ["b"], hour: 2, minute: 30 })`. A step that triggers it does not wait.
 */
export default defineScheduler({
  type: "nightly-triggerable",
  className,
  options,
  followsChanges: false,
  triggerable: true,
  builderNames: namedBuilders,
  warnings: warningsOfChoice,
  async start(ctx, options) {
    const timetable = readTimetable({ ...options, runAtStart: false });
    const problems = new Problems(ctx);
    return runAtSlots(ctx, {
      spec: specOf(timetable),
      runAtStart: false,
      missed: options.missed,
      published: { triggerable: { asks: "later", codebases: options.codebases ?? {} } },
      next(after) {
        const next = nextRun(timetable, new Date(after * 1000));
        return next && next.getTime() / 1000;
      },
      async decide(_slot, late) {
        const plan = await planSlot(ctx, options, late, problems);
        await problems.show(ctx);
        return plan;
      },
    });
  },
});

async function planSlot(
  ctx: SchedulerContext,
  options: NightlyTriggerableOptions,
  late: string,
  problems: Problems,
): Promise<SlotPlan> {
  const newest = (await ctx.openTriggers()).at(-1);
  if (!newest) return { outcome: "unchanged" };
  const plan = planTrigger(ctx, className, options.reason, newest);
  const planned = { ...plan, reason: `${plan.reason}${late}` };
  const { submission } = await planBuildset(ctx, options, planned, problems);
  // The trigger stays for the next time.
  if (!submission) return { outcome: "failed" };
  // The changes are those of the triggering build: this scheduler has classified none.
  const buildset = submission.buildset ?? { ...planned, builders: [] };
  return { outcome: "built", submission: { buildset, changeids: [] }, trigger: newest.id };
}
