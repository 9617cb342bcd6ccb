import {
  awaitedRequests,
  claimRequests,
  countMasterEnds,
  fencedTransaction,
  LeaseLost,
  noteExhausted,
} from "@multimaster/cluster";
import { append, Results, type SourcedProperties } from "@multimaster/core";
import {
  buildsetProperties,
  type Connection,
  changeIdsOfSourceStamps,
  endLeftBuilds,
  getRequest,
  insertCancellation,
  insertClaim,
  insertStopRequests,
  type LockedRequest,
  lockRequest,
  openRequestsClaimedBy,
  pendingRequests,
  retryRolledBack,
  setRequestPriority,
  sourceStampIdsOf,
} from "@multimaster/database";
import type { Trail } from "../model/actor.ts";
import { loadItems } from "../read/read-items.ts";
import { buildrequests } from "../resources/buildrequests.ts";
import { builds } from "../resources/builds.ts";
import { type Change, changes } from "../resources/changes.ts";
import { loadSourceStamps, type SourceStamp } from "../resources/sourcestamps.ts";
import { announceOutcomes, endRequest, freeRequest, noOutcomes } from "./end-request.ts";
import type { UpdateContext } from "./update-context.ts";
import { writeWithTrail } from "./write-with-trail.ts";

export interface PendingRequest {
  buildrequestid: number;
  builderid: number;
  buildsetid: number;
  priority: number;
  submittedAt: number;
}

/** Everything a build needs to know of what asked for it. */
export interface RequestDetails {
  buildrequestid: number;
  buildsetid: number;
  builderid: number;
  reason: string;
  waitedFor: boolean;
  properties: SourcedProperties;
  sourceStamps: readonly SourceStamp[];
  /** Changes of the source stamps, oldest first. */
  changes: readonly Change[];
}

export interface BuildRequestUpdates {
  /** Unclaimed requests of these builders: highest priority first, then the oldest; pushed to SQL, index served. */
  pending(builderids: readonly number[], limit: number): Promise<PendingRequest[]>;
  /** Free requests of these builders that a running build of this master waits for, directly or not; most urgent first. */
  awaited(
    builderids: readonly number[],
    limit: number,
  ): Promise<Pick<PendingRequest, "buildrequestid" | "builderid">[]>;
  /** Claims as many of them as are still free, in one fenced statement; resolves to the ids that are now this master's. */
  claim(buildrequestids: readonly number[]): Promise<number[]>;
  /**
   * Gives claims of this master back, ends as RETRY what is left of builds of theirs, and wakes the engines. "failed":
   * their builds could not be written here; that counts as a death of the engine does.
   */
  unclaim(buildrequestids: readonly number[], why?: "failed"): Promise<void>;
  /** Incomplete requests claimed by this master: those it does not know of are claims whose answer was lost. */
  claimedByMe(): Promise<number[]>;
  details(buildrequestid: number): Promise<RequestDetails | undefined>;
  /**
   * Any master may call it: a pending request is completed CANCELLED at once; of a claimed one the running builds are
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
  const { database, lease, events, announce } = context;
  const { masterid } = lease;
  return {
    pending: (builderids, limit) => pendingRequests(database, builderids, limit),
    awaited: (builderids, limit) => awaitedRequests(database, lease, builderids, limit),
    async claim(buildrequestids) {
      const claimed = await retryRolledBack(database, () => claimRequests(database, lease, buildrequestids));
      await announce(events.of(buildrequests).claimed(claimed));
      return claimed;
    },
    async unclaim(buildrequestids, why) {
      const freed = await withLease([...buildrequestids], async (tx, ids) => {
        const outcomes = noOutcomes();
        const left: number[] = [];
        // All of them before the first is ended: nobody waits for a request who may hold a buildset.
        const requests: LockedRequest[] = [];
        for (const id of ids.sort((a, b) => a - b)) {
          const request = await lockRequest(tx, id);
          if (request && !request.complete && request.claimedBy === masterid) requests.push(request);
        }
        for (const request of requests) {
          // Nobody here works for it: a build that could not be written to its end would run for ever.
          append(left, await endLeftBuilds(tx, { buildrequestid: request.id, masterid }));
          if (why === "failed" && !request.cancelled && (await isExhausted(tx, masterid, request.id)))
            await endRequest(tx, request, Results.EXCEPTION, outcomes);
          else await freeRequest(tx, request, masterid, outcomes);
        }
        return { outcomes, left };
      });
      if (!freed) return;
      await announce(events.of(builds).finished(freed.left));
      await announceOutcomes(context, freed.outcomes);
    },
    claimedByMe: () => openRequestsClaimedBy(database, masterid),
    details: (buildrequestid) => readDetails(database, buildrequestid),
    cancel: (buildrequestid, reason, trail) => cancelRequest(context, buildrequestid, reason, trail),
    async setPriority(buildrequestid, priority, trail) {
      const write = (tx: Connection) => setRequestPriority(tx, buildrequestid, priority);
      return (await writeWithTrail(database, write, trail)) ? "done" : "unknown";
    },
  };

  /** Giving back what a burial has already taken is nothing to complain of. */
  async function withLease<A, T>(argument: A, fn: (tx: Connection, argument: A) => Promise<T>): Promise<T | undefined> {
    try {
      return await fencedTransaction(database, lease, (tx) => fn(tx, argument));
    } catch (error) {
      if (error instanceof LeaseLost) return undefined;
      throw error;
    }
  }
}

/** Counts that a build of this request could not be written, and notes why it is not tried again, if it is not. */
async function isExhausted(tx: Connection, masterid: number, id: number): Promise<boolean> {
  const failures = (await countMasterEnds(tx, "death", masterid, [id])).get(id);
  if (failures === undefined) return false;
  const detail = `its builds could not be written, or were lost with their master, ${failures} times (maxEngineDeaths)`;
  await noteExhausted(tx, id, detail);
  return true;
}

/** `buildrequests.cancel`, for whoever cancels on behalf of something else. */
export async function cancelRequest(
  context: UpdateContext,
  id: number,
  reason: string,
  trail?: Trail,
): Promise<"cancelled" | "stopping" | "complete" | "unknown"> {
  const { database, lease, events, announce } = context;
  const cancelled = await database.transaction(async (tx) => {
    const request = await lockRequest(tx, id);
    if (!request) return { answer: "unknown" } as const;
    if (request.complete) return { answer: "complete" } as const;
    await trail?.(tx);
    // The claim is what keeps a Buildbot master, which looks at no other mark, from starting it.
    if (request.claimedBy === null && (await insertClaim(tx, id, lease.masterid))) {
      const outcomes = noOutcomes();
      outcomes.claimed.push(id);
      await endRequest(tx, request, Results.CANCELLED, outcomes);
      outcomes.cancelled.push(id);
      return { answer: "cancelled", outcomes } as const;
    }
    await insertCancellation(tx, id, reason);
    return {
      answer: "stopping",
      builds: await insertStopRequests(tx, { buildrequestid: id }, reason, Results.CANCELLED),
    } as const;
  });
  if (cancelled.answer === "cancelled") await announceOutcomes(context, cancelled.outcomes);
  if (cancelled.answer === "stopping") {
    await announce(events.publishControl("buildrequests", id, "cancel", { reason }));
    for (const build of cancelled.builds) await announce(events.publishControl("builds", build, "stop", { reason }));
  }
  return cancelled.answer;
}

async function readDetails(connection: Connection, id: number): Promise<RequestDetails | undefined> {
  const request = await getRequest(connection, id);
  if (!request) return undefined;
  const context = { connection, params: {}, properties: undefined, filters: [] };
  const stampIds = await sourceStampIdsOf(connection, request.buildsetid);
  const stamps = await loadSourceStamps(context, stampIds);
  const changeIds = await changeIdsOfSourceStamps(connection, stampIds);
  const found = changeIds.length === 0 ? new Map() : await loadItems(changes, context, changeIds);
  return {
    buildrequestid: id,
    buildsetid: request.buildsetid,
    builderid: request.builderid,
    reason: request.reason ?? "",
    waitedFor: request.waitedFor === 1,
    properties: await buildsetProperties(connection, request.buildsetid),
    sourceStamps: stampIds.flatMap((stampId) => stamps.get(stampId) ?? []),
    changes: changeIds.flatMap((changeId) => found.get(changeId) ?? []),
  };
}
