import type { Lease } from "@multimaster/cluster";
import { Results } from "@multimaster/core";
import { type Connection, type LockedRequest, lockRequest } from "@multimaster/database";
import { endBuilds } from "./end-builds.ts";
import { endRequest } from "./end-requests.ts";
import type { Outcomes } from "./outcomes.ts";
import { releaseClaims } from "./release-claims.ts";
import { countMasterEnds, noteExhausted } from "./request-losses.ts";
import { type Transition, transition } from "./transition.ts";

/**
 * Requests of this master are released: any may claim them, and what is left of builds of theirs ends as RETRY. "failed":
 * their builds could not be written here; that counts as a death of the engine does. A cancelled request ends instead.
 */
export async function releaseRequests(
  tx: Connection,
  lease: Lease,
  ids: readonly number[],
  why?: "failed",
): Promise<Outcomes> {
  const { masterid } = lease;
  const { outcomes } = await transition(tx, async (t) => {
    // All of them before the first is ended: a transaction that may hold a buildset never waits for a request.
    const requests: LockedRequest[] = [];
    for (const id of [...ids].sort((a, b) => a - b)) {
      const request = await lockRequest(tx, id);
      if (request && !request.complete && request.claimedBy === masterid) requests.push(request);
    }
    for (const request of requests) {
      // No one works for it here: a build that could not be written to its end would run for ever.
      await endLeftBuilds(t, request.id, masterid);
      if (why === "failed" && !request.cancelled && (await isExhausted(tx, masterid, request.id)))
        await endRequest(t, request, Results.EXCEPTION);
      else await releaseRequest(t, lease, request);
    }
  });
  return outcomes;
}

/** Releases a request of this master, unless it is not wanted any more: then it ends. The caller holds its row. */
export async function releaseRequest(t: Transition, lease: Lease, request: LockedRequest): Promise<void> {
  if (request.cancelled) await endRequest(t, request, Results.CANCELLED);
  else await releaseClaims(t, lease, "request", [request.id]);
}

/** Ends what is left of earlier builds of a request on this master: a request never has two running builds. */
export async function endLeftBuilds(t: Transition, buildrequestid: number, masterid: number): Promise<void> {
  const which = { sql: "buildrequestid = ?", bindings: [buildrequestid] };
  await endBuilds(t, masterid, which, { results: Results.RETRY, state: null });
}

/** Counts that a build of this request could not be written, and notes why it is not tried again, if it is not. */
async function isExhausted(tx: Connection, masterid: number, id: number): Promise<boolean> {
  const failures = (await countMasterEnds(tx, "death", masterid, [id])).get(id);
  if (failures === undefined) return false;
  const detail = `its builds could not be written, or were lost with their master, ${failures} times (maxEngineDeaths)`;
  await noteExhausted(tx, id, detail);
  return true;
}
