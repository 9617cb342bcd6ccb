import { type Connection, type Database, execute, insertIgnore, queryRows } from "@multimaster/database";
import { fencedTransaction, type Lease, leaseIsHeld } from "./lease.ts";

export type WorkerClaim = { kind: "claimed" } | { kind: "lost"; holder: number };

interface Attachment {
  masterid: number;
  epoch: number;
  held: number;
}

/**
 * Attaches a worker to this master. If another live master has it, that one is told that the worker is knocking
 * elsewhere (`contestedWorkers`): it will look whether its own connection still answers. Throws `LeaseLost`.
 */
export function claimWorker(database: Database, lease: Lease, workerid: number): Promise<WorkerClaim> {
  return fencedTransaction(database, lease, async (tx) => {
    const attachment = await lockAttachment(tx, lease, workerid);
    const mine = attachment === "new" || (attachment.masterid === lease.masterid && attachment.epoch === lease.epoch);
    if (!mine && attachment.held === 1) {
      await execute(tx, `update mm_worker_attachments set contested_at = ${tx.dialect.now} where workerid = ?`, [
        workerid,
      ]);
      return { kind: "lost", holder: attachment.masterid };
    }
    await execute(
      tx,
      `update mm_worker_attachments set masterid = ?, epoch = ?, attached_at = ${tx.dialect.now}, contested_at = null where workerid = ?`,
      [lease.masterid, lease.epoch, workerid],
    );
    // Attached here, so connected nowhere else, whatever a dead master has left behind.
    await execute(
      tx,
      `delete from connected_workers where workerid = ? and masterid <> ?
         and masterid in (select masterid from mm_leases)`,
      [workerid, lease.masterid],
    );
    await insertIgnore(tx, {
      table: "connected_workers",
      rows: [{ masterid: lease.masterid, workerid }],
      conflict: ["masterid", "workerid"],
    });
    return { kind: "claimed" };
  });
}

async function lockAttachment(tx: Connection, lease: Lease, workerid: number): Promise<Attachment | "new"> {
  const inserted = await queryRows(
    tx,
    `insert into mm_worker_attachments (workerid, masterid, epoch, attached_at) values (?, ?, ?, ${tx.dialect.now})
     on conflict (workerid) do nothing returning workerid`,
    [workerid, lease.masterid, lease.epoch],
  );
  if (inserted.length > 0) return "new";
  const rows = await queryRows<Attachment>(
    tx,
    `select a.masterid, a.epoch,
       case when exists (select 1 from mm_leases l where l.masterid = a.masterid and l.epoch = a.epoch
                           and l.buried_at is null and l.ended_at is null) then 1 else 0 end as held
     from mm_worker_attachments a where a.workerid = ?${tx.dialect.updateLock}`,
    [workerid],
  );
  // Gone between the two statements: its master has just let it go.
  return rows[0] ?? lockAttachment(tx, lease, workerid);
}

/** Detaches a worker; false when it was not attached to this master in this life. */
export function releaseWorker(database: Database, lease: Lease, workerid: number): Promise<boolean> {
  return database.transaction(async (tx) => {
    const sql = "delete from mm_worker_attachments where workerid = ? and masterid = ? and epoch = ?";
    if ((await execute(tx, sql, [workerid, lease.masterid, lease.epoch])) === 0) return false;
    await execute(tx, "delete from connected_workers where workerid = ? and masterid = ?", [workerid, lease.masterid]);
    return true;
  });
}

/** Workers of this master that another master was asked to take: are their connections still alive? */
export async function contestedWorkers(connection: Connection, lease: Lease): Promise<number[]> {
  const rows = await queryRows<{ workerid: number }>(
    connection,
    `select workerid from mm_worker_attachments
     where masterid = ? and epoch = ? and contested_at is not null order by workerid`,
    [lease.masterid, lease.epoch],
  );
  return rows.map((row) => row.workerid);
}

/** The worker has answered on its connection here: it stays. */
export async function keepWorker(connection: Connection, lease: Lease, workerid: number): Promise<boolean> {
  const changed = await execute(
    connection,
    `update mm_worker_attachments set contested_at = null where workerid = ? and masterid = ? and epoch = ?
     and exists (select 1 from mm_leases where ${leaseIsHeld})`,
    [workerid, lease.masterid, lease.epoch, lease.masterid, lease.epoch],
  );
  return changed > 0;
}
