import type { Lease } from "@multimaster/cluster";
import { Results } from "@multimaster/core";
import { adoptBuild, type Connection, hasOpenBuild, insertBuild, lockRequest } from "@multimaster/database";
import { endRequest } from "./end-requests.ts";
import type { Outcomes } from "./outcomes.ts";
import { endLeftBuilds } from "./release-requests.ts";
import { transition } from "./transition.ts";

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
 * one. Undefined if the request is not this master's, or is not wanted any more: then it ends.
 */
export async function startBuild(
  tx: Connection,
  lease: Lease,
  { buildrequestid, workerid, state, steps }: BuildToStart,
): Promise<{ result: StartedBuild | undefined; outcomes: Outcomes }> {
  const { masterid } = lease;
  return transition(tx, async (t) => {
    const request = await lockRequest(tx, buildrequestid);
    if (!request || request.complete || request.claimedBy !== masterid) return undefined;
    if (request.cancelled) {
      await endRequest(t, request, Results.CANCELLED);
      t.outcomes.cancelledRequests.push(request.id);
      return undefined;
    }
    const { builderid } = request;
    const row = { builderid, buildrequestid, workerid, masterid, state };
    // There hardly ever is one.
    if (await hasOpenBuild(tx, buildrequestid, masterid)) {
      const adopted = await adoptBuild(tx, row, steps);
      if (adopted) return { buildid: adopted.id, number: adopted.number, builderid, adopted: true };
      await endLeftBuilds(t, buildrequestid, masterid);
    }
    const { id: buildid, number } = await insertBuild(tx, row);
    t.record("build-started", buildid, { number, builderid, buildrequestid, workerid, masterid });
    return { buildid, number, builderid, adopted: false };
  });
}
