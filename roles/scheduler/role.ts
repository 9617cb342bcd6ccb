import type { SchedulerSlice } from "@multimaster/config";
import { defineRole } from "../define-role.ts";
import { ClaimedHost } from "./claimed-host.ts";
import { hostChangeSources } from "./hosted-change-sources.ts";
import { hostReporters } from "./hosted-reporters.ts";
import { hostRetention } from "./hosted-retention.ts";
import { hostSchedulers } from "./hosted-schedulers.ts";
import { loadSchedulerSlice } from "./slice.ts";

/** Turns what happens in the world into buildsets. Any number of masters have it; each singleton runs on one of them. */
export const role = defineRole<SchedulerSlice>({
  name: "scheduler",
  holdsClaims: true,
  loadSlice: (config) => loadSchedulerSlice(config),
  // Sources first: drained in this order, no change comes in through this master while its schedulers hand over.
  services: (context) => {
    const { clock, log, master } = context;
    return [hostChangeSources, hostSchedulers, hostReporters, hostRetention].map(
      (host) => new ClaimedHost({ kind: host(context), masterid: master.masterid, clock, log }),
    );
  },
});
