import type { Lease } from "@multimaster/cluster";
import { Results } from "@multimaster/core";
import {
  type Connection,
  insertCancellation,
  insertCancelledEnd,
  insertStopRequests,
  lockRequest,
} from "@multimaster/database";
import { endRequest } from "./end-requests.ts";
import type { Outcomes } from "./outcomes.ts";
import { claimToEnd } from "./request-claims.ts";
import { transition } from "./transition.ts";

export type Cancellation =
  | { answer: "unknown" | "complete" }
  /** It ended. */
  | { answer: "cancelled" }
  /** A master has it. These builds of it are to stop, and the request will end CANCELLED even if its engine dies. */
  | { answer: "stopping"; builds: readonly number[] };

export interface CancelOptions {
  /** Written in the same transaction. */
  readonly trail?: ((tx: Connection) => Promise<void>) | undefined;
  /** One that a master has is left alone, as if it were complete. */
  readonly pendingOnly?: boolean;
  /** A user asks: if its build was asked to stop before, its clean-up is to end, too. */
  readonly mayRepeat?: boolean;
}

/** A request is cancelled: if it is free it ends, or else its master is to end it. */
export async function cancelRequest(
  tx: Connection,
  lease: Lease,
  id: number,
  reason: string,
  { trail, pendingOnly = false, mayRepeat = false }: CancelOptions = {},
): Promise<{ result: Cancellation; outcomes: Outcomes }> {
  return transition<Cancellation>(tx, async (t) => {
    const request = await lockRequest(tx, id);
    if (!request) return { answer: "unknown" };
    if (request.complete) return { answer: "complete" };
    if (pendingOnly && request.claimedBy !== null) return { answer: "complete" };
    await trail?.(tx);
    if (request.claimedBy === null && (await claimToEnd(t, id, lease.masterid))) {
      // One that was cancelled before keeps its first reason.
      if (!request.cancelled) await insertCancelledEnd(tx, id, reason);
      await endRequest(t, request, Results.CANCELLED);
      t.outcomes.cancelledRequests.push(id);
      return { answer: "cancelled" };
    }
    if (pendingOnly) return { answer: "complete" };
    await insertCancellation(tx, id, reason);
    const builds = await insertStopRequests(
      tx,
      { buildrequestid: id },
      { reason, results: Results.CANCELLED, mayRepeat },
    );
    return { answer: "stopping", builds };
  });
}

/** A cancelled request ends whose engine released it, or died, before it could end it. */
export async function endCancelledRequest(tx: Connection, lease: Lease, id: number): Promise<Outcomes> {
  const { outcomes } = await transition(tx, async (t) => {
    const request = await lockRequest(tx, id);
    if (!request || request.complete || !request.cancelled || request.claimedBy !== null) return;
    if (!(await claimToEnd(t, id, lease.masterid))) return;
    await endRequest(t, request, Results.CANCELLED);
    t.outcomes.cancelledRequests.push(id);
  });
  return outcomes;
}
