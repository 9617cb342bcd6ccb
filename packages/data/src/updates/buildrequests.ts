import { claimedOf, fencedTransaction, LeaseLost } from "@multimaster/cluster";
import { append, errors } from "@multimaster/core";
import {
  awaitedRequests,
  type Connection,
  claimableAmong,
  firstRequests,
  newestRequests,
  openRequestsAfter,
  openRequestsAmong,
  pendingRequests,
  readPatchBody,
  requestsBehind,
  retryRolledBack,
  setRequestPriority,
} from "@multimaster/database";
import { type CancelOptions, cancelRequest as cancel, claimRequests, releaseRequests } from "@multimaster/lifecycle";
import type { Trail } from "../model/actor.ts";
import { writtenStop } from "../model/control-messages.ts";
import { groupValues } from "../read/group-values.ts";
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

/** Where a request stands among those of its builder. */
export type RequestRank = Pick<PendingRequest, "buildrequestid" | "builderid" | "priority" | "submittedAt">;

export interface BuildRequestUpdates {
  /**
   * Unclaimed requests of these builders: highest priority first, then the oldest. After the first `limit` of all come some of each
   * builder that has none among them, since what stands in front may wait for something.
   */
  pending(builderids: readonly number[], limit: number): Promise<PendingRequest[]>;
  /** Unclaimed requests of each of these builders, at most `each`: highest priority first, then the oldest. */
  firstOf(builderids: readonly number[], each: number): Promise<PendingRequest[]>;
  /** Unclaimed requests that stand behind these ones of their builders, at most `each` of a builder: by rank, as `pending`. */
  behind(ranks: readonly RequestRank[], each: number): Promise<PendingRequest[]>;
  /** Those of these requests that are unclaimed, by rank. */
  claimable(buildrequestids: readonly number[]): Promise<PendingRequest[]>;
  /** The same with the newest first, by builder; `limits` says how many are wanted of each. */
  newestOf(limits: ReadonlyMap<number, number>): Promise<ReadonlyMap<number, PendingRequest[]>>;
  /** Unclaimed requests of these builders that a running build of this master waits for, directly or not; most urgent first. */
  awaited(builderids: readonly number[], limit: number): Promise<PendingRequest[]>;
  /** Claims those that are still unclaimed, in one fenced statement; resolves to the ids that this master now has. */
  claim(buildrequestids: readonly number[]): Promise<number[]>;
  /**
   * Releases claims of this master, ends their open builds as RETRY, and wakes the engines. "failed": their builds could not
   * be written here, which counts like a death of the engine.
   */
  release(buildrequestids: readonly number[], why?: "failed"): Promise<void>;
  /** Those of these requests that are incomplete and claimed by this master. */
  claimedByMe(buildrequestids: readonly number[]): Promise<number[]>;
  /** The same of the first open requests behind one, at most `limit`, and the last of these; undefined: no others are open. */
  claimedByMeAfter(after: number, limit: number): Promise<{ claimed: number[]; last: number | undefined }>;
  details(buildrequestid: number): Promise<RequestDetails | undefined>;
  /** The bytes of a patch of a request's source stamp. */
  readPatch(patchid: number): Promise<Uint8Array>;
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
    firstOf: (builderids, each) => firstRequests(database, builderids, each),
    behind: (ranks, each) => requestsBehind(database, ranks, each),
    claimable: (ids) => claimableAmong(database, ids),
    newestOf: (limits) => readNewest(database, limits),
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
    claimedByMe: (ids) => openRequestsAmong(database, masterid, ids),
    claimedByMeAfter: (after, limit) => openRequestsAfter(database, masterid, { after, limit }),
    details: batched((ids: readonly number[]) => readRequestDetails(database, ids)),
    async readPatch(patchid) {
      const body = await readPatchBody(database, patchid);
      if (!body) throw errors.notFound(`There is no patch ${patchid}.`);
      return body;
    },
    cancel: (buildrequestid, reason, trail) =>
      cancelRequest(context, buildrequestid, reason, { trail, mayRepeat: true }),
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

/** Priorities of one builder that are gone through at a time. */
const mostPriorities = 10;

async function readNewest(
  connection: Connection,
  limits: ReadonlyMap<number, number>,
): Promise<Map<number, PendingRequest[]>> {
  const found = new Map([...limits.keys()].map((id): [number, PendingRequest[]] => [id, []]));
  let open = [...limits].map(([builderid, limit]) => ({ builderid, below: null as number | null, limit }));
  for (let level = 0; open.length > 0 && level < mostPriorities; level += 1) {
    const rows = groupValues((await newestRequests(connection, open)).map((row) => [row.builderid, row]));
    open = open.flatMap(({ builderid, limit }) => {
      const more = rows.get(builderid) ?? [];
      append(found.get(builderid) ?? [], more);
      const last = more.at(-1);
      return last && more.length < limit ? [{ builderid, below: last.priority, limit: limit - more.length }] : [];
    });
  }
  return found;
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
    await track(events.publishControl("buildrequests", id, "cancel", writtenStop(reason)));
    for (const build of result.builds) await track(events.publishControl("builds", build, "stop", writtenStop(reason)));
  }
  return result.answer;
}
