import { claimedOf, fencedTransaction, LeaseLost } from "@multimaster/cluster";
import {
  awaitedRequests,
  type Connection,
  openRequestsClaimedBy,
  pendingRequests,
  retryRolledBack,
  setRequestPriority,
} from "@multimaster/database";
import { type CancelOptions, cancelRequest as cancel, claimRequests, releaseRequests } from "@multimaster/lifecycle";
import type { Trail } from "../model/actor.ts";
import { buildrequests } from "../resources/buildrequests.ts";
import { batched } from "./batched.ts";
import { type RequestDetails, readRequestDetails } from "./request-details.ts";
import type { UpdateContext } from "./update-context.ts";
import { writeWithTrail } from "./write-with-trail.ts";

export interface PendingRequest {
  buildrequestid: number;
  builderid: number;
  buildsetid: number;
  priority: number;
  submittedAt: number;
  /** How often its builds were lost with their engine, and with their worker. */
  engineDeaths: number;
  workerLosses: number;
  /** 1: a running build waits for it. */
  waitedFor: number;
}

export interface BuildRequestUpdates {
  /** Unclaimed requests of these builders: highest priority first, then the oldest; pushed to SQL, index served. */
  pending(builderids: readonly number[], limit: number): Promise<PendingRequest[]>;
  /** Unclaimed requests of these builders that a running build of this master waits for, directly or not; most urgent first. */
  awaited(
    builderids: readonly number[],
    limit: number,
  ): Promise<Pick<PendingRequest, "buildrequestid" | "builderid">[]>;
  /** Claims those that are still unclaimed, in one fenced statement; resolves to the ids that this master now has. */
  claim(buildrequestids: readonly number[]): Promise<number[]>;
  /**
   * Releases claims of this master, ends their open builds as RETRY, and wakes the engines. "failed": their builds could not
   * be written here, which counts like a death of the engine.
   */
  release(buildrequestids: readonly number[], why?: "failed"): Promise<void>;
  /** Incomplete requests claimed by this master: if it does not know of one, the answer to that claim was lost. */
  claimedByMe(): Promise<number[]>;
  details(buildrequestid: number): Promise<RequestDetails | undefined>;
  /**
   * Any master may call it: a pending request is completed CANCELLED immediately; of a claimed one the running builds are
   * asked to stop, durably, and the request will end CANCELLED even if its engine dies.
   */
  cancel(
    buildrequestid: number,
    reason: string,
    trail?: Trail,
  ): Promise<"cancelled" | "stopping" | "complete" | "unknown">;
  setPriority(buildrequestid: number, priority: number, trail?: Trail): Promise<"done" | "unknown">;
}

export function createBuildRequestUpdates(context: UpdateContext): BuildRequestUpdates {
  const { database, lease, events, track, publishOutcomes } = context;
  const { masterid } = lease;
  return {
    pending: (builderids, limit) => pendingRequests(database, builderids, limit),
    awaited: (builderids, limit) => awaitedRequests(database, masterid, builderids, limit),
    async claim(buildrequestids) {
      const claims = await retryRolledBack(database, () => claimRequests(database, lease, buildrequestids));
      const claimed = claimedOf(claims);
      await track(events.of(buildrequests).claimed(claimed));
      return claimed;
    },
    async release(buildrequestids, why) {
      const outcomes = await whileLeaseIsHeld((tx) => releaseRequests(tx, lease, buildrequestids, why));
      if (outcomes) await publishOutcomes(outcomes);
    },
    claimedByMe: () => openRequestsClaimedBy(database, masterid),
    details: batched((ids: readonly number[]) => readRequestDetails(database, ids)),
    cancel: (buildrequestid, reason, trail) => cancelRequest(context, buildrequestid, reason, { trail }),
    async setPriority(buildrequestid, priority, trail) {
      const write = (tx: Connection) => setRequestPriority(tx, buildrequestid, priority);
      return (await writeWithTrail(database, write, trail)) ? "done" : "unknown";
    },
  };

  /** After an eviction there is nothing left to release, which is no error. */
  async function whileLeaseIsHeld<T>(fn: (tx: Connection) => Promise<T>): Promise<T | undefined> {
    try {
      return await fencedTransaction(database, lease, fn);
    } catch (error) {
      if (error instanceof LeaseLost) return undefined;
      throw error;
    }
  }
}

/** `buildrequests.cancel`, for callers inside the updates. */
export async function cancelRequest(
  context: UpdateContext,
  id: number,
  reason: string,
  options?: CancelOptions,
): Promise<"cancelled" | "stopping" | "complete" | "unknown"> {
  const { database, lease, events, track, publishOutcomes } = context;
  const { result, outcomes } = await database.transaction((tx) => cancel(tx, lease, id, reason, options));
  await publishOutcomes(outcomes);
  if (result.answer === "stopping") {
    await track(events.publishControl("buildrequests", id, "cancel", { reason }));
    for (const build of result.builds) await track(events.publishControl("builds", build, "stop", { reason }));
  }
  return result.answer;
}
