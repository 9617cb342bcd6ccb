import { type Connection, type Database, execute, isLeaseOpen, queryRows } from "@multimaster/database";
import { fencedTransaction, type Lease, LeaseLost, requireLease } from "./lease.ts";
import { leaseIsHeld } from "./lease-is-held.ts";

/** A real Buildbot master beats every minute. The others take it for dead when it has not for this long. */
export const buildbotExpirySeconds = 600;

/** How a master ended: it died, or it left in an orderly way but did not finish what it had. */
export type MasterEnd = "death" | "leave";

/**
 * Releases everything that a master had, in the transaction that ends it. What masters have is not known here: the code
 * that puts a master together hands this in (`releaseEverythingOf` of packages/lifecycle). Returns what changed.
 */
export type ReleaseEverything<Outcomes> = (
  tx: Connection,
  master: { readonly masterid: number; readonly name: string },
  end: MasterEnd,
) => Promise<Outcomes>;

/** A master that was evicted or has left, and what changed thereby, to be published. */
export interface Eviction<Outcomes> {
  readonly masterid: number;
  readonly name: string;
  readonly outcomes: Outcomes;
}

interface Dead {
  masterid: number;
  name: string;
  kind: "lease" | "buildbot";
}

/**
 * Evicts the masters whose lease has expired by the database's clock, and Buildbot masters that fell silent: each in one
 * transaction, once, however many masters try. Every master calls this every fifth of a lease.
 */
export async function evictDeadMasters<Outcomes>(
  database: Database,
  lease: Lease,
  release: ReleaseEverything<Outcomes>,
): Promise<Eviction<Outcomes>[]> {
  const evictions: Eviction<Outcomes>[] = [];
  for (const dead of await findDead(database, lease)) {
    const eviction = await fencedTransaction(database, lease, async (tx) => {
      const mine = dead.kind === "lease" ? await markEvicted(tx, dead.masterid) : await markInactive(tx, dead.masterid);
      return mine ? endMaster(tx, dead, "death", release) : undefined;
    });
    if (eviction) evictions.push(eviction);
  }
  return evictions;
}

/** When those of these masters last renewed whose lease is still open, expired or not. */
export async function readRenewals(
  connection: Connection,
  masterids: readonly number[],
): Promise<ReadonlyMap<number, number>> {
  const wanted = connection.dialect.isOneOf("l.masterid", masterids);
  const rows = await queryRows<{ masterid: number; renewed_at: number }>(
    connection,
    `select l.masterid, l.renewed_at from mm_leases l where ${wanted.sql} and ${isLeaseOpen("l")}`,
    wanted.bindings,
  );
  return new Map(rows.map((row) => [row.masterid, row.renewed_at]));
}

/** Leaves in an orderly way: like an eviction, by oneself. The heartbeat has been stopped before. */
export async function leaveCluster<Outcomes>(
  database: Database,
  lease: Lease,
  release: ReleaseEverything<Outcomes>,
): Promise<Eviction<Outcomes> | undefined> {
  return database.transaction(async (tx) => {
    try {
      await requireLease(tx, lease);
    } catch (error) {
      // Another master has evicted this one: everything that leaving would do has been done.
      if (error instanceof LeaseLost) return undefined;
      throw error;
    }
    await queryRows(tx, `update mm_leases set ended_at = ${tx.dialect.now} where ${leaseIsHeld}`, [
      lease.masterid,
      lease.epoch,
    ]);
    return endMaster(tx, lease, "leave", release);
  });
}

/** Marks an open lease as evicted and takes everything from its master. The caller has locked the row. */
export async function evictMaster<Outcomes>(
  tx: Connection,
  master: { masterid: number; name: string },
  release: ReleaseEverything<Outcomes>,
): Promise<Eviction<Outcomes>> {
  await queryRows(
    tx,
    `update mm_leases set buried_at = ${tx.dialect.now} where masterid = ? and ${isLeaseOpen("mm_leases")}`,
    [master.masterid],
  );
  return endMaster(tx, master, "death", release);
}

/**
 * The end of a master, in the transaction that has marked its lease (or, of a Buildbot master, its row) as ended: no claim
 * of it remains. Since this comes before a new epoch of the same master begins, a claim needs no epoch.
 */
async function endMaster<Outcomes>(
  tx: Connection,
  { masterid, name }: { masterid: number; name: string },
  end: MasterEnd,
  release: ReleaseEverything<Outcomes>,
): Promise<Eviction<Outcomes>> {
  await execute(tx, "update masters set active = 0 where id = ?", [masterid]);
  await execute(tx, `update mm_loop_stalls set ended_at = ${tx.dialect.now} where masterid = ? and ended_at is null`, [
    masterid,
  ]);
  return { masterid, name, outcomes: await release(tx, { masterid, name }, end) };
}

/**
 * A master finds no other dead unless it has itself renewed without a gap for a whole lease: after an outage of the
 * database all leases have expired, and all masters get the time to renew before any evicts.
 */
async function findDead(database: Database, lease: Lease): Promise<Dead[]> {
  const { now, nowSeconds } = database.dialect;
  // Also a gap that has not ended yet counts: a renewal that is overdue now will find that it came late.
  const steady = `exists (select 1 from mm_leases where ${leaseIsHeld} and ${now} - renewed_at <= lease_s / 2 and ${now} - steady_since >= lease_s)`;
  const self = [lease.masterid, lease.epoch];
  return queryRows<Dead>(
    database,
    `select l.masterid, m.name, 'lease' as kind from mm_leases l join masters m on m.id = l.masterid
     where ${isLeaseOpen("l")} and l.expires_at <= ${now} and l.masterid <> ? and ${steady}
     union all
     select m.id as masterid, m.name, 'buildbot' as kind from masters m
     where m.active = 1 and m.last_active < ${nowSeconds} - ${buildbotExpirySeconds} and ${steady}
       and not exists (select 1 from mm_leases l where l.masterid = m.id and ${isLeaseOpen("l")})`,
    [lease.masterid, ...self, ...self],
  );
}

/**
 * One winner: the row is locked, and checked again under the lock. A row that is locked is left for the next round:
 * another master evicts, or a transaction of the dead one is still open (the server ends it when it stays silent).
 */
async function markEvicted(tx: Connection, masterid: number): Promise<boolean> {
  const { now, updateLock, skipLocked } = tx.dialect;
  const expired = `l.masterid = ? and ${isLeaseOpen("l")} and l.expires_at <= ${now}`;
  const lock = updateLock === "" ? "" : `${updateLock}${skipLocked}`;
  const locked = await queryRows(tx, `select l.masterid from mm_leases l where ${expired}${lock}`, [masterid]);
  if (locked.length === 0) return false;
  await queryRows(tx, `update mm_leases set buried_at = ${now} where masterid = ?`, [masterid]);
  return true;
}

/** For a Buildbot master the switch of `active` from 1 to 0 decides who evicts it. */
async function markInactive(tx: Connection, masterid: number): Promise<boolean> {
  const rows = await queryRows(
    tx,
    `update masters set active = 0 where id = ? and active = 1
     and last_active < ${tx.dialect.nowSeconds} - ${buildbotExpirySeconds} returning id`,
    [masterid],
  );
  return rows.length === 1;
}
