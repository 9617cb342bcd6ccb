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
    events.of(builders).stopped(
      burial.stoppedBuilders.map((builder) => builder.builderid),
      { masterid },
    ),
    events.of(logs).finished(burial.finishedLogs),
    events.of(steps).finished(burial.finishedSteps),
    events.of(builds).finished(burial.finishedBuilds),
    events.of(buildrequests).complete(burial.completedRequests),
    events.of(buildsets).complete(burial.completedBuildsets),
    events.of(buildrequests).unclaimed(burial.unclaimedRequests),
    events.of(workers).disconnected(burial.disconnectedWorkers),
    // Nobody has it now: whoever can run it may claim it at once instead of at the next look.
    events.of(schedulers).updated(burial.freedSchedulers),
    events.of(masters).stopped([masterid]),
    events.of(members).update([masterid]),
  ]);
}
