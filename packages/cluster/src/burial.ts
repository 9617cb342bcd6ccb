import { type Connection, type Database, queryRows } from "@multimaster/database";
import { type Burial, buryMaster } from "./bury-master.ts";
import { fencedTransaction, type Lease, LeaseLost, leaseIsHeld, requireLease } from "./lease.ts";

/** A real Buildbot master beats every minute, and is dead to its fellows when it has not for this long. */
export const buildbotExpirySeconds = 600;

interface Dead {
  masterid: number;
  name: string;
  kind: "lease" | "buildbot";
}

/**
 * Buries the masters whose lease has expired by the database's clock, and Buildbot masters that fell silent: each in one
 * transaction, once, however many masters try. Gives what changed, to be published. Every master calls this every
 * fifth of a lease.
 */
export async function buryDeadMasters(database: Database, lease: Lease): Promise<Burial[]> {
  const burials: Burial[] = [];
  for (const dead of await findDead(database, lease)) {
    const burial = await fencedTransaction(database, lease, async (tx) => {
      const mine = dead.kind === "lease" ? await markBuried(tx, dead.masterid) : await markInactive(tx, dead.masterid);
      return mine ? buryMaster(tx, dead.masterid, dead.name, "death") : undefined;
    });
    if (burial) burials.push(burial);
  }
  return burials;
}

/** When those of these masters last renewed whose lease is still there, expired or not. */
export async function readRenewals(
  connection: Connection,
  masterids: readonly number[],
): Promise<ReadonlyMap<number, number>> {
  const wanted = connection.dialect.isOneOf("masterid", masterids);
  const rows = await queryRows<{ masterid: number; renewed_at: number }>(
    connection,
    `select masterid, renewed_at from mm_leases where ${wanted.sql} and buried_at is null and ended_at is null`,
    wanted.bindings,
  );
  return new Map(rows.map((row) => [row.masterid, row.renewed_at]));
}

/** Leaves in an orderly way: like a burial, by oneself. The heartbeat has been stopped before. */
export async function leaveCluster(database: Database, lease: Lease): Promise<Burial | undefined> {
  return database.transaction(async (tx) => {
    try {
      await requireLease(tx, lease);
    } catch (error) {
      // Somebody buried us: everything that leaving would do has been done.
      if (error instanceof LeaseLost) return undefined;
      throw error;
    }
    await queryRows(tx, `update mm_leases set ended_at = ${tx.dialect.now} where ${leaseIsHeld}`, [
      lease.masterid,
      lease.epoch,
    ]);
    return buryMaster(tx, lease.masterid, lease.name, "leave");
  });
}

/**
 * Nobody is found dead by a master that has not itself renewed without a gap for a whole lease: after an outage of the
 * database all leases have expired, and everybody gets the time to renew before anybody buries.
 */
async function findDead(database: Database, lease: Lease): Promise<Dead[]> {
  const { now, nowSeconds } = database.dialect;
  // Also a gap that has not ended yet counts: a renewal that is overdue now will find that it came late.
  const steady = `exists (select 1 from mm_leases where ${leaseIsHeld} and ${now} - renewed_at <= lease_s / 2 and ${now} - steady_since >= lease_s)`;
  const self = [lease.masterid, lease.epoch];
  return queryRows<Dead>(
    database,
    `select l.masterid, m.name, 'lease' as kind from mm_leases l join masters m on m.id = l.masterid
     where l.buried_at is null and l.ended_at is null and l.expires_at <= ${now} and l.masterid <> ? and ${steady}
     union all
     select m.id as masterid, m.name, 'buildbot' as kind from masters m
     where m.active = 1 and m.last_active < ${nowSeconds} - ${buildbotExpirySeconds} and ${steady}
       and not exists (select 1 from mm_leases l where l.masterid = m.id and l.buried_at is null and l.ended_at is null)`,
    [lease.masterid, ...self, ...self],
  );
}

/**
 * One winner: the row is locked, and looked at again under the lock. A row that is locked is left for the next round:
 * somebody else buries, or a transaction of the dead one is still open (the server ends it when it stays silent).
 */
async function markBuried(tx: Connection, masterid: number): Promise<boolean> {
  const { now, updateLock, skipLocked } = tx.dialect;
  const expired = `masterid = ? and buried_at is null and ended_at is null and expires_at <= ${now}`;
  const lock = updateLock === "" ? "" : `${updateLock}${skipLocked}`;
  const locked = await queryRows(tx, `select masterid from mm_leases where ${expired}${lock}`, [masterid]);
  if (locked.length === 0) return false;
  await queryRows(tx, `update mm_leases set buried_at = ${now} where masterid = ?`, [masterid]);
  return true;
}

/** For a Buildbot master the switch of `active` from 1 to 0 decides who buries it. */
async function markInactive(tx: Connection, masterid: number): Promise<boolean> {
  const rows = await queryRows(
    tx,
    `update masters set active = 0 where id = ? and active = 1
     and last_active < ${tx.dialect.nowSeconds} - ${buildbotExpirySeconds} returning id`,
    [masterid],
  );
  return rows.length === 1;
}
