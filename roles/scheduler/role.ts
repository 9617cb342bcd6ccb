import type { SchedulerSlice } from "@multimaster/config";
import { defineRole, type NextConfig, type RoleContext, type RoleService } from "../define-role.ts";
import { ClaimedHost, type SingletonKind } from "./claimed-host.ts";
import { hostChangeSources } from "./hosted-change-sources.ts";
import { handOut, hostReporters } from "./hosted-reporters.ts";
import { hostRetention } from "./hosted-retention.ts";
import { hostSchedulers } from "./hosted-schedulers.ts";
import { loadSchedulerSlice } from "./slice.ts";

/** Turns what happens in the world into buildsets. Any number of masters have it; each singleton runs on one of them. */
export const role = defineRole<SchedulerSlice>({
  name: "scheduler",
  holdsClaims: true,
  loadSlice: (config) => loadSchedulerSlice(config),
  // Sources first: drained in this order, no change comes in through this master while its schedulers hand over.
  services: (context) => [
    hostSingletons(context, hostChangeSources, (next, name) => next.hasChanged("change source", name)),
    hostSingletons(context, hostSchedulers, (next, name) => next.hasChanged("scheduler", name)),
    hostSingletons(context, hostReporters, (next, name) =>
      next.hasChanged("reporter", name === handOut ? undefined : name),
    ),
    hostSingletons(context, hostRetention, (next) => next.hasChanged("retention") || next.hasChanged("scheduler")),
  ],
});

/** Hosts one kind of singletons. With the next config, those that it has unchanged run on. */
function hostSingletons(
  context: RoleContext<SchedulerSlice>,
  describe: (context: RoleContext<SchedulerSlice>) => SingletonKind,
  isChanged: (next: NextConfig<SchedulerSlice>, name: string) => boolean,
): RoleService<SchedulerSlice> {
  const { clock, log, master } = context;
  const host = new ClaimedHost({ kind: describe(context), masterid: master.masterid, clock, log });
  return Object.assign(host, {
    takeConfig: (next: NextConfig<SchedulerSlice>) =>
      host.takeOver(describe({ ...context, config: next }), (name) => isChanged(next, name)),
  });
}
