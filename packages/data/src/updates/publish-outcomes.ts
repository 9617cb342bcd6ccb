import { type Claimable, claimables, type Outcomes } from "@multimaster/lifecycle";
import type { Events } from "../events/events.ts";
import type { AnyResource } from "../model/define-resource.ts";
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
 * How the cluster hears of a released claim; null: not at all, those who may claim it poll. `unclaimed` matters most:
 * Buildbot's masters do not poll, so without it they would never start the requests that became free.
 */
const releaseEvents: Readonly<Record<Claimable, { resource: AnyResource; event: string } | null>> = {
  request: { resource: buildrequests, event: "unclaimed" },
  worker: { resource: workers, event: "disconnected" },
  // Buildbot knows no event for this; with the old value of `enabled` it does nothing but wake who may claim it.
  scheduler: { resource: schedulers, event: "updated" },
  changeSource: null,
};

/** Publishes what transitions changed, after their commit: in the order in which Buildbot's masters do (spec/messages.md §4). */
export async function publishOutcomes(events: Events, outcomes: Outcomes): Promise<void> {
  const released = (kinds: readonly Claimable[]) =>
    kinds.flatMap((kind) => {
      const event = releaseEvents[kind];
      return event === null ? [] : [events.publish(event.resource, event.event, outcomes.released[kind])];
    });
  await Promise.all([
    ...outcomes.stoppedBuilders.map(({ builderid, masterid }) =>
      events.publish(builders, "stopped", [builderid], { masterid }),
    ),
    events.publish(logs, "finished", outcomes.finishedLogs),
    events.publish(steps, "finished", outcomes.finishedSteps),
    events.publish(builds, "finished", outcomes.finishedBuilds),
    events.publish(buildrequests, "claimed", outcomes.claimedRequests),
    ...released(["request"]),
    events.publish(buildrequests, "complete", outcomes.completedRequests),
    events.publish(buildsets, "complete", outcomes.completedBuildsets),
    events.publish(buildrequests, "cancel", outcomes.cancelledRequests),
    ...released(claimables.filter((kind) => kind !== "request")),
    events.publish(masters, "stopped", outcomes.goneMasters),
    events.publish(members, "update", outcomes.goneMasters),
  ]);
}
