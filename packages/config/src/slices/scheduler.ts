import { z } from "zod";
import type { ConfigWarning } from "../config-warning.ts";
import { descriptorOf } from "../plugin.ts";
import { warningsOfPlugin } from "../plugin-warnings.ts";
import { retentionConfig } from "../retention.ts";

/** The part of masters with the role `scheduler`: change sources, schedulers and reporters, each claimed by one master at a time. */
export const schedulerSlice = z.strictObject({
  changeSources: z.array(descriptorOf("change-source")).default([]).describe("The sources of changes."),
  schedulers: z
    .array(descriptorOf("scheduler"))
    .default([])
    .describe("The schedulers, which decide what is built and when."),
  reporters: z
    .array(descriptorOf("reporter"))
    .default([])
    .describe("What reports events to forges, mail, chats and other programs."),
  retention: retentionConfig.optional().describe("What is deleted when it is old; absent: nothing."),
});

export type SchedulerSlice = z.output<typeof schedulerSlice>;
export type SchedulerSliceInput = z.input<typeof schedulerSlice>;

/** Adds types to the `scheduler` slice of a config. */
export function defineScheduling(slice: SchedulerSliceInput): SchedulerSliceInput {
  return slice;
}

/** Risks in the scheduler slice. */
export function warningsOfScheduler({ changeSources, schedulers, reporters }: SchedulerSlice): ConfigWarning[] {
  return [
    ...changeSources.flatMap((source, i) => warningsOfPlugin(source, ["changeSources", i])),
    ...schedulers.flatMap((scheduler, i) => warningsOfPlugin(scheduler, ["schedulers", i])),
    ...reporters.flatMap((reporter, i) => warningsOfPlugin(reporter, ["reporters", i])),
  ];
}
