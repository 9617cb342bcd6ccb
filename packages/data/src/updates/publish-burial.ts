import type { Burial } from "@multimaster/cluster";
import type { Events } from "../events/events.ts";
import { builders } from "../resources/builders.ts";
import { buildrequests } from "../resources/buildrequests.ts";
import { builds } from "../resources/builds.ts";
import { buildsets } from "../resources/buildsets.ts";
import { logs } from "../resources/logs.ts";
import { masters } from "../resources/masters.ts";
import { members } from "../resources/members.ts";
import { schedulers } from "../resources/schedulers.ts";
import { steps } from "../resources/steps.ts";
import { workers } from "../resources/workers.ts";

/**
 * Tells the cluster what changed when a master was buried or left. `unclaimed` matters most: Buildbot's masters do not
 * look at the rows by themselves, so without it they would never start the requests that became free.
 */
export async function publishBurial(events: Events, burial: Burial): Promise<void> {
  const { masterid } = burial;
  await Promise.all([
    events.publish(
      builders,
      "stopped",
      burial.stoppedBuilders.map((builder) => builder.builderid),
      { masterid },
    ),
    events.publish(logs, "finished", burial.finishedLogs),
    events.publish(steps, "finished", burial.finishedSteps),
    events.publish(builds, "finished", burial.finishedBuilds),
    events.publish(buildrequests, "complete", burial.completedRequests),
    events.publish(buildsets, "complete", burial.completedBuildsets),
    events.publish(buildrequests, "unclaimed", burial.unclaimedRequests),
    events.publish(workers, "disconnected", burial.disconnectedWorkers),
    // Nobody has it now: whoever can run it may claim it at once instead of at the next look.
    events.publish(schedulers, "updated", burial.freedSchedulers),
    events.publish(masters, "stopped", [masterid]),
    events.publish(members, "update", [masterid]),
  ]);
}
