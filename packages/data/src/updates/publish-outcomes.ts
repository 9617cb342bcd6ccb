import { type Claimable, claimables, type Outcomes } from "@multimaster/lifecycle";
import type { Events } from "../events/events.ts";
import { groupValues } from "../read/group-values.ts";
import { builders } from "../resources/builders.ts";
import { buildrequests } from "../resources/buildrequests.ts";
import { builds } from "../resources/builds.ts";
import { buildsets } from "../resources/buildsets.ts";
import { locks } from "../resources/locks.ts";
import { logs } from "../resources/logs.ts";
import { masters } from "../resources/masters.ts";
import { members } from "../resources/members.ts";
import { schedulers } from "../resources/schedulers.ts";
import { steps } from "../resources/steps.ts";
import { workers } from "../resources/workers.ts";

type Publish = (ids: readonly number[]) => Promise<void>;

/**
 * The event of a released claim; null: none, masters that may claim it poll. `unclaimed` matters most:
 * Buildbot's masters do not poll, so without it they would never start the requests that became free.
 */
const releaseEvents: Readonly<Record<Claimable, ((events: Events) => Publish) | null>> = {
  request: (events) => events.of(buildrequests).unclaimed,
  worker: (events) => events.of(workers).disconnected,
  // Buildbot knows no event for this; with the old value of `enabled` it only wakes masters that may claim it.
  scheduler: (events) => events.of(schedulers).updated,
  changeSource: null,
  reporter: null,
  job: null,
  instance: null,
  lock: (events) => events.of(locks).released,
  // Whoever was behind it may go.
  lockWait: (events) => events.of(locks).released,
};

/** Publishes what transitions changed, after their commit, in the order of Buildbot's masters (docs/spec/messages.md §4). */
export async function publishOutcomes(events: Events, outcomes: Outcomes): Promise<void> {
  const publishReleased = async (kind: Claimable) => releaseEvents[kind]?.(events)(outcomes.released[kind]);
  const stopped = groupValues(outcomes.stoppedBuilders.map(({ masterid, builderid }) => [masterid, builderid]));
  await Promise.all([
    ...[...stopped].map(([masterid, ids]) => events.of(builders).stopped(ids, { masterid })),
    events.of(logs).finished(outcomes.finishedLogs),
    events.of(steps).finished(outcomes.finishedSteps),
    events.of(builds).finished(outcomes.finishedBuilds),
    events.of(builds).update(outcomes.changedBuilds),
    events.of(buildrequests).claimed(outcomes.claimedRequests),
    publishReleased("request"),
    events.of(buildrequests).complete(outcomes.completedRequests),
    events.of(buildsets).complete(outcomes.completedBuildsets),
    events.of(buildrequests).cancel(outcomes.cancelledRequests),
    ...claimables.filter((kind) => kind !== "request").map(publishReleased),
    events.of(workers).state_updated([...new Set(outcomes.changedWorkers)]),
    ...outcomes.missingWorkers.map(({ workerid, lastConnection, notify }) =>
      events.of(workers).missing([workerid], { last_connection: lastConnection, notify }),
    ),
    events.of(masters).stopped(outcomes.goneMasters),
    events.of(members).update(outcomes.goneMasters),
  ]);
}
