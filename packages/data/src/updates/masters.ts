import {
  endAbandonedOrders,
  evictDeadMasters,
  fencedTransaction,
  type MasterState,
  readRenewals,
  setState,
} from "@multimaster/cluster";
import {
  freeCancelledRequests,
  pruneReports,
  replaceServiceFailures,
  type ServiceFailure,
} from "@multimaster/database";
import { endCancelledRequest, noteConfig, pruneOutbox, releaseEverythingOf } from "@multimaster/lifecycle";
import { masters } from "../resources/masters.ts";
import { members } from "../resources/members.ts";
import { orders } from "../resources/orders.ts";
import type { UpdateContext } from "./update-context.ts";

export interface MasterUpdates {
  /** Publishes `masters.<id>.started`. */
  publishStarted(): Promise<void>;
  /** Evicts masters whose lease has expired and publishes what changed. Every master's loop runs it. */
  evictDead(): Promise<void>;
  /** Deletes rows of the outbox that no one needs any more. */
  pruneOutbox(): Promise<void>;
  /** Writes down whether this master runs or drains, and publishes it; throws `LeaseLost` when it was evicted. */
  setState(state: MasterState): Promise<void>;
  /** Writes down that this master runs another config from now on (fenced). */
  noteConfig(hash: string): Promise<void>;
  /** Writes down which services of this master fail now, instead of what was written before (fenced). */
  saveFailures(failures: readonly ServiceFailure[]): Promise<void>;
  /** When those of these masters last renewed whose lease is still there. */
  renewals(masterids: readonly number[]): Promise<ReadonlyMap<number, number>>;
}

export function createMasterUpdates(context: UpdateContext): MasterUpdates {
  const { database, lease, events, track, publishOutcomes } = context;
  return {
    async publishStarted() {
      await track(events.of(masters).started([lease.masterid]));
      await track(events.of(members).update([lease.masterid]));
    },
    async setState(state) {
      await setState(database, lease, state);
      await track(events.of(members).update([lease.masterid]));
    },
    async noteConfig(hash) {
      await fencedTransaction(database, lease, async (tx) => {
        // As masters that join: of several with the same new config only one reports it.
        await tx.dialect.lockName(tx, "join");
        await noteConfig(tx, lease, hash);
      });
      await track(events.of(members).update([lease.masterid]));
    },
    async saveFailures(failures) {
      await fencedTransaction(database, lease, (tx) => replaceServiceFailures(tx, lease, failures));
      await track(events.of(members).update([lease.masterid]));
    },
    renewals: (masterids) => readRenewals(database, masterids),
    async evictDead() {
      for (const { outcomes } of await evictDeadMasters(database, lease, releaseEverythingOf))
        await publishOutcomes(outcomes);
      await track(events.of(orders).ended(await endAbandonedOrders(database)));
      for (const id of await freeCancelledRequests(database)) {
        const outcomes = await database.transaction((tx) => endCancelledRequest(tx, lease, id));
        await publishOutcomes(outcomes);
      }
    },
    async pruneOutbox() {
      await pruneOutbox(database);
      await pruneReports(database);
    },
  };
}
