import { type Connection, type Database, execute, insertIgnore, queryRows } from "@multimaster/database";
import { fencedTransaction, type Lease } from "./lease.ts";
import { leaseIsHeld } from "./lease-is-held.ts";

/** What a claim came to. Losing one is a result, not an error. */
export type Claim = Claimed | LostClaim;

export interface Claimed {
  kind: "claimed";
}

export interface LostClaim {
  kind: "lost";
  /** The master that has it; undefined where the claim does not find out. */
  holder: number | undefined;
}

export const claimed: Claimed = { kind: "claimed" };

export const lostTo = (holder: number | undefined): LostClaim => ({ kind: "lost", holder });

/** The ids that a batch of claims got, in their order. */
export function claimedOf(claims: ReadonlyMap<number, Claim>): number[] {
  return [...claims].flatMap(([id, { kind }]) => (kind === "claimed" ? [id] : [])).sort((a, b) => a - b);
}

/**
 * A kind of thing that one master at a time has. A unique key of the table on `id` is the claim, and `masterid` names the
 * holder. A row needs no epoch: an eviction deletes it before the next epoch of the same master begins.
 */
export interface ClaimTable {
  readonly table: string;
  /** The column with the id of what is claimed. */
  readonly id: string;
  /** A condition on the row: it is a claim, and not the history of one. */
  readonly only?: string;
  /** The row has an epoch all the same, so that a claim may take over what an earlier one left. */
  readonly epoch?: true;
  /** Buildbot's table that shows the same, with the same two columns. */
  readonly mirror?: string;
}

/** Claims one thing for this master. Throws `LeaseLost` if the lease is lost. Claiming what one has is "claimed". */
export function claim(database: Database, lease: Lease, { table, id: column }: ClaimTable, id: number): Promise<Claim> {
  return fencedTransaction(database, lease, async (tx) => {
    const row = { [column]: id, masterid: lease.masterid };
    await insertIgnore(tx, { table, rows: [row], conflict: [column] });
    const rows = await queryRows<{ masterid: number }>(tx, `select masterid from ${table} where ${column} = ?`, [id]);
    const holder = rows[0]?.masterid;
    return holder === lease.masterid ? claimed : lostTo(holder);
  });
}

/**
 * Releases claims of this master; returns the ids of those that it had. The statement checks the lease too: a row may
 * already belong to the next incarnation of this master. The caller knows that the rows are claims, and no history.
 */
export async function release(
  tx: Connection,
  lease: Lease,
  { table, id, epoch, mirror }: ClaimTable,
  ids: readonly number[],
): Promise<number[]> {
  const { masterid } = lease;
  const wanted = tx.dialect.isOneOf(id, ids);
  const rows = await queryRows<{ id: number }>(
    tx,
    `delete from ${table} where ${wanted.sql} and masterid = ?${epoch ? " and epoch = ?" : ""}
       and exists (select 1 from mm_leases where ${leaseIsHeld}) returning ${id} as id`,
    [...wanted.bindings, masterid, ...(epoch ? [lease.epoch] : []), masterid, lease.epoch],
  );
  const released = rows.map((row) => row.id).sort((a, b) => a - b);
  if (mirror && released.length > 0) {
    const shown = tx.dialect.isOneOf(id, released);
    await execute(tx, `delete from ${mirror} where ${shown.sql} and masterid = ?`, [...shown.bindings, masterid]);
  }
  return released;
}

/**
 * Releases every claim of a master that is gone, in the transaction that ends it; returns their ids. Where a claim is among
 * the history of all claims, the caller names those that may be claims: `among`.
 */
export async function releaseAll(
  tx: Connection,
  masterid: number,
  { table, id, only = "1 = 1", mirror }: ClaimTable,
  among?: readonly number[],
): Promise<number[]> {
  const released = new Set<number>();
  const named = among === undefined ? { sql: "1 = 1", bindings: [] } : tx.dialect.isOneOf(id, among);
  const holder = among === undefined ? "masterid" : tx.dialect.inOrder("masterid");
  // The mirror comes last, as where claims are made: two transactions that meet here lock in one order.
  for (const [from, condition] of [[table, only] as const, ...(mirror ? [[mirror, "1 = 1"] as const] : [])]) {
    const sql = `delete from ${from} where ${holder} = ? and ${named.sql} and ${condition} returning ${id} as id`;
    for (const row of await queryRows<{ id: number }>(tx, sql, [masterid, ...named.bindings])) released.add(row.id);
  }
  return [...released].sort((a, b) => a - b);
}
