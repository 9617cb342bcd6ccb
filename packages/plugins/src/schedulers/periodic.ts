import { duration } from "@multimaster/core";
import { z } from "zod";
import { defineScheduler } from "../define-scheduler.ts";
import { namedBuilders } from "./scheduler-options.ts";
import { runAtSlots } from "./timed/run-at-slots.ts";
import { buildAtSlots, timedShape, usesChanges, warningsOfTimed } from "./timed/timed-buildset.ts";

const className = "Periodic";

const options = z.strictObject({
  ...timedShape,
  every: duration
    .refine((ms) => ms >= 1000 && ms % 1000 === 0, "must be one second or more, in whole seconds")
    .describe("Time from one build to the next."),
  runAtStart: z
    .boolean()
    .default(true)
    .describe("Runs when it starts for the first time; false: first after the time of `every`."),
});

/** Builds again and again after a fixed time: `periodic({ name: "often", branch: "main", builders: ["b"], every: "4h" })`. */
export default defineScheduler({
  type: "periodic",
  className,
  options,
  followsChanges: usesChanges,
  builderNames: namedBuilders,
  warnings: warningsOfTimed,
  start: async (ctx, options) =>
    runAtSlots(ctx, {
      ...buildAtSlots(ctx, className, options),
      spec: String(options.every),
      runAtStart: options.runAtStart,
      next: (after) => Math.floor(after) + options.every / 1000,
    }),
});
