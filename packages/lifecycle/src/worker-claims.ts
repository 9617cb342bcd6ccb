import { type Claim, claimed, claimedOf, type Lease, leaseIsHeld, lostTo } from "@multimaster/cluster";
import { type Connection, execute, isLeaseOpen, queryRows } from "@multimaster/database";

interface Attachment {
  masterid: number;
  epoch: number;
  held: number;
}

/**
 * Attaches workers to this master, many at a time: after a master's death they all come together. If another live
 * master has one, a mark notifies it that the worker has come elsewhere (`contestedWorkers`): it checks whether its own
 * connection still answers. Within a fenced transaction.
 */
export async function claimWorkers(
  tx: Connection,
  lease: Lease,
  workerids: readonly number[],
): Promise<ReadonlyMap<number, Claim>> {
  const { now, isOneOf } = tx.dialect;
  const attachments = await lockAttachments(tx, lease, workerids);
  const claims = new Map<number, Claim>();
  for (const [workerid, attachment] of attachments) {
    const isMine = attachment === "new" || (attachment.masterid === lease.masterid && attachment.epoch === lease.epoch);
    const isLost = !isMine && attachment.held === 1;
    claims.set(workerid, isLost ? lostTo(attachment.masterid) : claimed);
  }
  const mine = claimedOf(claims);
  const theirs = [...claims.keys()].filter((id) => !mine.includes(id));
  const lost = isOneOf("workerid", theirs);
  if (theirs.length > 0)
    await execute(tx, `update mm_worker_attachments set contested_at = ${now} where ${lost.sql}`, lost.bindings);
  if (mine.length === 0) return claims;
  const won = isOneOf("workerid", mine);
  await execute(
    tx,
    `update mm_worker_attachments set masterid = ?, epoch = ?, attached_at = ${now}, contested_at = null where ${won.sql}`,
    [lease.masterid, lease.epoch, ...won.bindings],
  );
  // Attached here, so connected nowhere else, whatever a dead master has left behind.
  await execute(
    tx,
    `delete from connected_workers where ${won.sql} and masterid <> ? and masterid in (select masterid from mm_leases)`,
    [...won.bindings, lease.masterid],
  );
  const rows = isOneOf("id", mine);
  await execute(
    tx,
    `insert into connected_workers (masterid, workerid) select cast(? as integer), id from workers where ${rows.sql}
     on conflict (masterid, workerid) do nothing`,
    [lease.masterid, ...rows.bindings],
  );
  return claims;
}

/** Whose they are now. In the order of their ids, so that two masters that want the same never wait for each other. */
async function lockAttachments(
  tx: Connection,
  lease: Lease,
  workerids: readonly number[],
): Promise<Map<number, Attachment | "new">> {
  const { now, isOneOf, updateLock } = tx.dialect;
  const found = new Map<number, Attachment | "new">();
  for (let tries = 0; ; tries += 1) {
    const wanted = [...new Set(workerids)].filter((id) => !found.has(id));
    if (wanted.length === 0) return found;
    if (tries === 10) throw new Error(`the workers ${wanted.join(", ")} have no rows`);
    const known = isOneOf("id", wanted);
    const inserted = await queryRows<{ workerid: number }>(
      tx,
      `insert into mm_worker_attachments (workerid, masterid, epoch, attached_at)
       select id, cast(? as integer), cast(? as integer), ${now} from workers where ${known.sql} order by id
       on conflict (workerid) do nothing returning workerid`,
      [lease.masterid, lease.epoch, ...known.bindings],
    );
    for (const { workerid } of inserted) found.set(workerid, "new");
    const taken = isOneOf(
      "a.workerid",
      wanted.filter((id) => !found.has(id)),
    );
    const rows = await queryRows<Attachment & { workerid: number }>(
      tx,
      `select a.workerid, a.masterid, a.epoch,
         case when exists (select 1 from mm_leases l where l.masterid = a.masterid and l.epoch = a.epoch
                             and ${isLeaseOpen("l")}) then 1 else 0 end as held
       from mm_worker_attachments a where ${taken.sql} order by a.workerid${updateLock}`,
      taken.bindings,
    );
    // Without those gone between the two statements: their master has just released them.
    for (const row of rows) found.set(row.workerid, row);
  }
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
