import type { AskedBuilds } from "@multimaster/data";
import type { SchedulerContext } from "../define-scheduler.ts";
import type { Plan } from "./planned-buildset.ts";

/** What a trigger asks for, before functions have chosen. */
export function planTrigger(
  ctx: SchedulerContext,
  className: string,
  reason: string | undefined,
  { build, sourceStamps, changeids, properties }: AskedBuilds,
): Plan {
  return {
    reason: reason ?? `The ${className} scheduler named '${ctx.name}' triggered this build`,
    sourceStamps: sourceStamps.map(({ ssid }) => ssid),
    shown: sourceStamps.map(({ ssid: _, ...stamp }) => stamp),
    changeids,
    trigger: { builder: build.builder, number: build.number, properties },
  };
}
