import type { Connection } from "../connection.ts";
import { execute, queryRows } from "../dialect.ts";
import { commandsOfHold, isHoldCurrent, isHoldValid, isWaitValid } from "./lock-conditions.ts";

/** A hold that was freed, and why it had stayed. */
export interface FreedHold {
  readonly lockid: number;
  readonly lock: string;
  readonly buildid: number;
  readonly worker: string;
}

/** Deletes holds of builds that were lost for as long as their locks stay taken: no one has heard of their workers since. */
export async function freeLostHolds(tx: Connection): Promise<FreedHold[]> {
  const overdue = await queryRows<FreedHold & { holdid: number }>(
    tx,
    `select h.holdid, h.lockid, lk.name as lock, kb.id as buildid, w.name as worker
       from mm_lock_holds h join mm_locks lk on lk.lockid = h.lockid
       join builds kb on kb.buildrequestid = h.buildrequestid join mm_commands k on ${commandsOfHold("h")}
       join workers w on w.id = kb.workerid
      where kb.complete_at + h.keep_ms / 1000.0 <= ${tx.dialect.now} and not ${isHoldCurrent("h")}`,
  );
  const freed = new Map(overdue.map(({ holdid, ...hold }) => [holdid, hold]));
  if (freed.size === 0) return [];
  const ids = tx.dialect.isOneOf("holdid", [...freed.keys()]);
  const deleted = await queryRows<{ holdid: number }>(
    tx,
    `delete from mm_lock_holds where ${ids.sql} returning holdid`,
    ids.bindings,
  );
  return deleted.flatMap(({ holdid }) => freed.get(holdid) ?? []);
}

/** The locks that lost builds have because of these commands. */
export async function locksOfCommands(tx: Connection, commandIds: readonly string[]): Promise<number[]> {
  const ids = tx.dialect.isOneOf("k.command_id", commandIds);
  const rows = await queryRows<{ lockid: number }>(
    tx,
    `select distinct h.lockid from mm_commands k join builds kb on kb.id = k.buildid
       join mm_lock_holds h on ${commandsOfHold("h")} where ${ids.sql} order by h.lockid`,
    ids.bindings,
  );
  return rows.map(({ lockid }) => lockid);
}

/** Gives the locks of a build that is adopted to its new master. */
export async function moveHolds(
  tx: Connection,
  { buildrequestid, masterid: from }: { readonly buildrequestid: number; readonly masterid: number },
  to: { readonly masterid: number; readonly epoch: number },
): Promise<number[]> {
  const rows = await queryRows<{ holdid: number; stepid: number }>(
    tx,
    `update mm_lock_holds set masterid = ?, epoch = ?
      where buildrequestid = ? and masterid = ? and lost_buildid is null returning holdid, stepid`,
    [to.masterid, to.epoch, buildrequestid, from],
  );
  return rows.filter(({ stepid }) => stepid === 0).map(({ holdid }) => holdid);
}

/** How long a lock is remembered that no one asks for, in seconds. */
const rememberedS = 7 * 24 * 3600;

/** Deletes holds and waits that do not count any more, and locks that no one has asked for since a week. */
export async function pruneLocks(tx: Connection): Promise<void> {
  await execute(tx, `delete from mm_lock_waits where not ${isWaitValid("mm_lock_waits")}`);
  await execute(
    tx,
    `delete from mm_lock_holds where not ${isHoldValid("mm_lock_holds")} and taken_at < ${tx.dialect.now} - 60`,
  );
  // Whoever holds a row is about to have the lock, or to wait for it.
  const lock = tx.dialect.updateLock === "" ? "" : `${tx.dialect.updateLock}${tx.dialect.skipLocked}`;
  const unused = await queryRows<{ lockid: number }>(
    tx,
    `select lockid from mm_locks where asked_at < ${tx.dialect.now} - ${rememberedS} order by lockid limit 500${lock}`,
  );
  if (unused.length === 0) return;
  const ids = tx.dialect.isOneOf(
    "lockid",
    unused.map(({ lockid }) => lockid),
  );
  await execute(
    tx,
    `delete from mm_locks where ${ids.sql}
       and not exists (select 1 from mm_lock_holds h where h.lockid = mm_locks.lockid)
       and not exists (select 1 from mm_lock_waits q where q.lockid = mm_locks.lockid)`,
    ids.bindings,
  );
}
