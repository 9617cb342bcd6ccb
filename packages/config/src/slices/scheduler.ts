import { z } from "zod";
import type { ConfigWarning } from "../config-warning.ts";
import { descriptorOf } from "../plugin.ts";
import { warningsOfPlugin } from "../plugin-warnings.ts";

/** What masters with the role `scheduler` run: change sources and schedulers, each claimed by one of them at a time. */
export const schedulerSlice = z.strictObject({
  changeSources: z.array(descriptorOf("change-source")).default([]).describe("Where changes come from."),
  schedulers: z.array(descriptorOf("scheduler")).default([]).describe("What is built when."),
});

export type SchedulerSlice = z.output<typeof schedulerSlice>;
export type SchedulerSliceInput = z.input<typeof schedulerSlice>;

/** Types the `scheduler` slice of a config. */
export function defineScheduling(slice: SchedulerSliceInput): SchedulerSliceInput {
  return slice;
}

/** Risks in what schedules. */
export function warningsOfScheduler({ changeSources, schedulers }: SchedulerSlice): ConfigWarning[] {
  return [
    ...changeSources.flatMap((source, i) => warningsOfPlugin(source, ["changeSources", i])),
    ...schedulers.flatMap((scheduler, i) => warningsOfPlugin(scheduler, ["schedulers", i])),
  ];
}
