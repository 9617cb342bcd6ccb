import type { Lease } from "@multimaster/cluster";
import { Results } from "@multimaster/core";
import { adoptBuild, type Connection, insertBuild, lockBuilderOf, lockRequest } from "@multimaster/database";
import { endRequest } from "./end-requests.ts";
import type { Outcomes } from "./outcomes.ts";
import { endLeftBuilds } from "./release-requests.ts";
import { type Transition, transition } from "./transition.ts";

export interface StartedBuild {
  buildid: number;
  number: number;
  builderid: number;
  /** An earlier call has begun it. */
  adopted: boolean;
}

export interface BuildToStart {
  readonly buildrequestid: number;
  readonly workerid: number;
  readonly state: string;
  /** How many steps it begins with. */
  readonly steps: number;
}

/**
 * A build of a claimed request begins on this master. If an earlier call has begun it and its answer was lost, it is that
 * one. Undefined if the request is not this master's, or is not wanted any more: then it ends. `open` writes what the build
 * begins with.
 */
export async function startBuild<T>(
  tx: Connection,
  lease: Lease,
  { buildrequestid, workerid, state, steps }: BuildToStart,
  open: (build: StartedBuild) => Promise<T>,
): Promise<{ build: StartedBuild | undefined; opened: T | undefined; outcomes: Outcomes }> {
  const { masterid } = lease;
  let opened: Promise<T> | undefined;
  const { result: build, outcomes } = await transition(tx, async (t) => {
    const started = await start(t);
    opened = started && open(started);
    // The outbox is written meanwhile; should that fail, nothing waits for this one.
    opened?.catch(() => undefined);
    return started;
  });
  return { build, opened: await opened, outcomes };

  async function start(t: Transition): Promise<StartedBuild | undefined> {
    const [request] = await Promise.all([lockRequest(tx, buildrequestid), lockBuilderOf(tx, buildrequestid)]);
    if (!request || request.complete || request.claimedBy !== masterid) return undefined;
    if (request.cancelled) {
      await endRequest(t, request, Results.CANCELLED);
      t.outcomes.cancelledRequests.push(request.id);
      return undefined;
    }
    const { builderid } = request;
    const row = { builderid, buildrequestid, workerid, masterid, state };
    // There hardly ever is one.
    if (request.isBuilt) {
      const adopted = await adoptBuild(tx, row, steps);
      if (adopted) return { buildid: adopted.id, number: adopted.number, builderid, adopted: true };
      await endLeftBuilds(t, buildrequestid, masterid);
    }
    const { id: buildid, number } = await insertBuild(tx, row);
    t.record("build-started", buildid, { number, builderid, buildrequestid, workerid, masterid });
    return { buildid, number, builderid, adopted: false };
  }
}
