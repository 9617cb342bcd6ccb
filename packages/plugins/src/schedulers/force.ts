import { defineScheduler } from "../define-scheduler.ts";
import { buildForceSpec, forceOptions } from "./force/force-spec.ts";

/**
 * Lets people ask for builds. It only says what may be asked: any UI master answers the request itself, from what is
 * published here, so forcing works while no scheduler master runs.
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
