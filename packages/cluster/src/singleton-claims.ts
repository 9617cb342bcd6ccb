import { type Connection, type Database, insertIgnore, queryRows } from "@multimaster/database";
import { fencedTransaction, type Lease, leaseIsHeld } from "./lease.ts";

/** Losing a claim is a result, not an error. */
export type ClaimResult = "claimed" | "lost";

/** A kind of thing that one master at a time does: the primary key of its table is the claim. */
interface Singleton {
  table: string;
  id: string;
}

const scheduler: Singleton = { table: "scheduler_masters", id: "schedulerid" };
const changeSource: Singleton = { table: "changesource_masters", id: "changesourceid" };

/** Claims a scheduler for this master. Throws `LeaseLost` when the lease is. Claiming what one has is "claimed". */
export const claimScheduler = (database: Database, lease: Lease, id: number) => claim(database, lease, scheduler, id);
/** Gives a scheduler back; false when it was not ours. */
export const releaseScheduler = (connection: Connection, lease: Lease, id: number) =>
  release(connection, lease, scheduler, id);
/** The id of the master that has the scheduler. */
export const schedulerHolder = (connection: Connection, id: number) => holder(connection, scheduler, id);

/** Claims a change source for this master. Throws `LeaseLost` when the lease is. Claiming what one has is "claimed". */
export const claimChangeSource = (database: Database, lease: Lease, id: number) =>
  claim(database, lease, changeSource, id);
/** Gives a change source back; false when it was not ours. */
export const releaseChangeSource = (connection: Connection, lease: Lease, id: number) =>
  release(connection, lease, changeSource, id);
/** The id of the master that has the change source. */
export const changeSourceHolder = (connection: Connection, id: number) => holder(connection, changeSource, id);

function claim(database: Database, lease: Lease, { table, id: column }: Singleton, id: number): Promise<ClaimResult> {
  return fencedTransaction(database, lease, async (tx) => {
    const row = { [column]: id, masterid: lease.masterid };
    await insertIgnore(tx, { table, rows: [row], conflict: [column] });
    return (await holder(tx, { table, id: column }, id)) === lease.masterid ? "claimed" : "lost";
  });
}

/** The lease is asked for here too: the row may already belong to the next life of this master. */
async function release(
  connection: Connection,
  lease: Lease,
  { table, id: column }: Singleton,
  id: number,
): Promise<boolean> {
  const rows = await queryRows(
    connection,
    `delete from ${table} where ${column} = ? and masterid = ? and exists (select 1 from mm_leases where ${leaseIsHeld}) returning masterid`,
    [id, lease.masterid, lease.masterid, lease.epoch],
  );
  return rows.length > 0;
}

async function holder(
  connection: Connection,
  { table, id: column }: Singleton,
  id: number,
): Promise<number | undefined> {
  const rows = await queryRows<{ masterid: number }>(connection, `select masterid from ${table} where ${column} = ?`, [
    id,
  ]);
  return rows[0]?.masterid;
}
