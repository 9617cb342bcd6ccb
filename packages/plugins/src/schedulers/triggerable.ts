import { z } from "zod";
import { defineScheduler, type SchedulerContext } from "../define-scheduler.ts";
import { startPolling } from "../running.ts";
import { fixedChoice, planBuildset } from "./planned-buildset.ts";
import { Problems } from "./problems.ts";
import { choosingShape, codebases, namedBuilders } from "./scheduler-options.ts";
import { planTrigger } from "./triggered-buildset.ts";

const options = z.strictObject({
  ...choosingShape,
  builders: z
    .union(
      [z.array(z.string().min(1)), choosingShape.builders],
      "must be a list of names, or a function of the planned buildset",
    )
    .describe(
      "Names of the builders that build it, or a function of the planned buildset that returns them; without any, a trigger of it succeeds immediately.",
    ),
  codebases: codebases.describe(
    "Its builds get a source stamp for each, with these values unless the trigger sets others.",
  ),
});

type TriggerableOptions = z.output<typeof options>;

const className = "Triggerable";
const pollMs = 5000;

/**
 * Builds when a step of another build triggers it. Without functions it only publishes what it builds: the engine of the
 * triggering build writes the buildset itself, so triggering works while no scheduler master runs. With functions, the
 * triggering step waits until a scheduler master has chosen.
 */
export default defineScheduler({
  type: "triggerable",
  className,
  options,
  followsChanges: false,
  triggerable: true,
  builderNames: namedBuilders,
  async start(ctx, options) {
    const { reason, codebases = {} } = options;
    const choice = fixedChoice(options);
    if (choice === undefined) {
      await ctx.publish({ kind: "builds", triggerable: { asks: "now", codebases } });
      return startPolling(ctx, { pollMs, poll: answerTriggers(ctx, options) });
    }
    const triggerable = {
      ...choice,
      builders: [...choice.builders],
      properties: { ...choice.properties },
      reason: reason ?? `The ${className} scheduler named '${ctx.name}' triggered this build`,
      codebases,
    };
    await ctx.publish({ kind: "builds", triggerable });
    return { stop: async () => {} };
  },
});

/** Decides each trigger once: builds what the functions choose, or refuses with what was wrong, so that no build waits for ever. */
function answerTriggers(ctx: SchedulerContext, options: TriggerableOptions) {
  const problems = new Problems(ctx);
  return async (signal: AbortSignal): Promise<undefined> => {
    const open = await ctx.openTriggers();
    for (const asked of open) {
      if (signal.aborted) return undefined;
      const plan = planTrigger(ctx, className, options.reason, asked);
      const { submission, rests } = await planBuildset(ctx, options, plan, problems);
      if (ctx.signal.aborted) return undefined;
      if (rests) {
        problems.addConsequence("triggers wait until it is called again, a minute later");
        continue;
      }
      const buildset = submission && (submission.buildset ?? { ...plan, builders: [] });
      const decision = buildset ? { buildset } : { refused: problems.latest ?? "nothing was chosen" };
      if ((await ctx.decideTrigger(asked.id, decision)) === "lost") return undefined;
    }
    // What is shown stays until the next trigger.
    if (open.length > 0) await problems.show(ctx);
    return undefined;
  };
}
