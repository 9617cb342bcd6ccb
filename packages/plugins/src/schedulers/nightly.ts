import { z } from "zod";
import { defineScheduler } from "../define-scheduler.ts";
import { namedBuilders } from "./scheduler-options.ts";
import { nextRun } from "./timed/next-run.ts";
import { runAtSlots } from "./timed/run-at-slots.ts";
import { buildAtSlots, timedShape, usesChanges, warningsOfTimed } from "./timed/timed-buildset.ts";
import { checkTimetable, readTimetable, specOf, timetableShape } from "./timed/timed-options.ts";

const className = "Nightly";

const options = z.strictObject({ ...timedShape, ...timetableShape }).superRefine(checkTimetable);

/** Builds at times of day: `nightly({ name: "nightly", branch: "main", builders: ["b"], hour: 2, minute: 30 })`. */
export default defineScheduler({
  type: "nightly",
  className,
  options,
  followsChanges: usesChanges,
  builderNames: namedBuilders,
  warnings: warningsOfTimed,
  async start(ctx, options) {
    const timetable = readTimetable(options);
    return runAtSlots(ctx, {
      ...buildAtSlots(ctx, className, options),
      spec: specOf(timetable),
      runAtStart: options.runAtStart,
      next(after) {
        const next = nextRun(timetable, new Date(after * 1000));
        return next && next.getTime() / 1000;
      },
    });
  },
});
