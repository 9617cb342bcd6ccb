import { buryDeadMasters, endAbandonedOrders, readRenewals } from "@multimaster/cluster";
import { Results } from "@multimaster/core";
import { freeCancelledRequests, insertClaim, lockRequest } from "@multimaster/database";
import { masters } from "../resources/masters.ts";
import { members } from "../resources/members.ts";
import { orders } from "../resources/orders.ts";
import { announceOutcomes, endRequest, noOutcomes } from "./end-request.ts";
import type { LogCompressor } from "./log-compressor.ts";
import { publishBurial } from "./publish-burial.ts";
import type { UpdateContext } from "./update-context.ts";

export interface MasterUpdates {
  /** Publishes `masters.<id>.started`. */
  announceStarted(): Promise<void>;
  /** Evicts masters whose lease has expired and publishes what changed. Every master's loop runs it. */
  buryDead(): Promise<void>;
  /** When those of these masters last renewed whose lease is still there. */
  renewals(masterids: readonly number[]): Promise<ReadonlyMap<number, number>>;
}

export function createMasterUpdates(context: UpdateContext, compressor: LogCompressor): MasterUpdates {
  const { database, lease, events, announce } = context;
  return {
    async announceStarted() {
      await announce(events.of(masters).started([lease.masterid]));
      await announce(events.of(members).update([lease.masterid]));
    },
    renewals: (masterids) => readRenewals(database, masterids),
    async buryDead() {
      for (const burial of await buryDeadMasters(database, lease)) {
        await announce(publishBurial(events, burial));
        for (const logid of burial.finishedLogs) compressor.compress(logid);
      }
      await announce(events.of(orders).ended(await endAbandonedOrders(database)));
      for (const id of await freeCancelledRequests(database)) await endCancelled(context, id);
    },
  };
}

/** A cancelled request whose engine gave it back, or died, before it could end it; whoever comes first ends it. */
async function endCancelled(context: UpdateContext, id: number): Promise<void> {
  const { database, lease } = context;
  const outcomes = await database.transaction(async (tx) => {
    const ended = noOutcomes();
    const request = await lockRequest(tx, id);
    const free = request && !request.complete && request.cancelled && request.claimedBy === null;
    if (!free || !(await insertClaim(tx, id, lease.masterid))) return ended;
    await endRequest(tx, request, Results.CANCELLED, ended);
    ended.cancelled.push(id);
    return ended;
  });
  await announceOutcomes(context, outcomes);
}
