import { defineScheduler } from "../define-scheduler.ts";
import { buildForceSpec, forceOptions } from "./force/force-spec.ts";

/**
 * Lets users request builds. It only publishes which requests are possible: any ui master handles a request by itself, so
 * forcing works while no scheduler master runs.
 */
export default defineScheduler({
  type: "force",
  className: "ForceScheduler",
  options: forceOptions,
  followsChanges: false,
  builderNames: ({ builders }) => builders,
  async start(ctx, options) {
    await ctx.publish({ kind: "form", form: buildForceSpec(options) });
    return { stop: async () => {} };
  },
});
