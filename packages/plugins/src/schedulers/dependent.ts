import { z } from "zod";
import { defineScheduler, type SchedulerContext } from "../define-scheduler.ts";
import { startPolling } from "../running.ts";
import { planBuildset } from "./planned-buildset.ts";
import { Problems } from "./problems.ts";
import { choosingShape, namedBuilders, warningsOfChoice } from "./scheduler-options.ts";

const className = "Dependent";

const options = z.strictObject({
  ...choosingShape,
  upstream: z
    .union([
      z
        .string()
        .min(1)
        .transform((name) => [name]),
      z.array(z.string().min(1)).min(1),
    ])
    .describe("Name of the scheduler, or of several, whose successful buildsets it follows."),
});

type DependentOptions = z.output<typeof options>;

const pollMs = 5000;

/**
 * Builds the same sources when a buildset of another scheduler has succeeded:
 * `dependent({ name: "full", upstream: "smoke", builders: ["b"] })`. It reads the rows of buildsets, so that it misses none that
 * ended while no scheduler master ran, and decides each once.
 */
export default defineScheduler({
  type: "dependent",
  className,
  options,
  followsChanges: false,
  builderNames: namedBuilders,
  warnings: warningsOfChoice,
  upstreams: ({ upstream }) => upstream,
  async start(ctx, options) {
    await ctx.publish({ kind: "buildsets" });
    const problems = new Problems(ctx);
    const opened = await ctx.openSlots(JSON.stringify(options.upstream));
    return startPolling(ctx, {
      pollMs,
      async poll(signal) {
        if (opened === "lost") return undefined;
        await followBuildsets(ctx, options, { problems, signal });
        await problems.show(ctx);
        return undefined;
      },
    });
  },
});

async function followBuildsets(
  ctx: SchedulerContext,
  options: DependentOptions,
  { problems, signal }: { problems: Problems; signal: AbortSignal },
): Promise<void> {
  for await (const { bsid, sourceStamps, changeids } of listUndecided(ctx, options.upstream)) {
    if (signal.aborted) return;
    const plan = {
      reason: options.reason ?? `The ${className} scheduler named '${ctx.name}' triggered this build`,
      sourceStamps: sourceStamps.map(({ ssid }) => ssid),
      shown: sourceStamps.map(({ ssid: _, ...stamp }) => stamp),
      changeids,
    };
    const { submission } = await planBuildset(ctx, options, plan, problems);
    // What could not be planned is tried again at the next poll.
    if (!submission) continue;
    const outcome = submission.buildset ? "built" : "unchanged";
    if ((await ctx.decideSlot({ kind: "buildset", slot: bsid, outcome, passed: 0, submission })) === "lost") return;
  }
}

/** All of them, page by page: those that stay undecided hold up no others. */
async function* listUndecided(ctx: SchedulerContext, upstream: readonly string[]) {
  for (let after = 0; ; ) {
    const page = await ctx.undecidedBuildsets(upstream, after);
    const last = page.at(-1);
    if (!last) return;
    yield* page;
    after = last.bsid;
  }
}
