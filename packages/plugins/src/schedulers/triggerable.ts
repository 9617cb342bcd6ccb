import { z } from "zod";
import { defineScheduler } from "../define-scheduler.ts";
import { codebases, commonShape } from "./scheduler-options.ts";

const options = z.strictObject({
  ...commonShape,
  builders: z
    .array(z.string().min(1))
    .describe("Names of the builders that build it; without any, a trigger of it succeeds immediately."),
  codebases: codebases.describe(
    "Its builds get a source stamp for each, with these values unless the trigger sets others.",
  ),
});

/**
 * Builds when a step of another build triggers it. It only publishes what it builds: the engine of the triggering build
 * writes the buildset itself, so triggering works while no scheduler master runs.
 */
export default defineScheduler({
  type: "triggerable",
  className: "Triggerable",
  options,
  followsChanges: false,
  triggerable: true,
  builderNames: ({ builders }) => builders,
  async start(ctx, { name, builders, properties, priority, reason, codebases }) {
    const triggerable = {
      builders,
      properties,
      priority,
      reason: reason ?? `The Triggerable scheduler named '${name}' triggered this build`,
      codebases: codebases ?? {},
    };
    await ctx.publish({ kind: "builds", triggerable });
    return { stop: async () => {} };
  },
});
