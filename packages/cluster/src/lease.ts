import { type Connection, type Database, type Dialect, type Fragment, queryRows } from "@multimaster/database";
import { leaseIsHeld } from "./lease-is-held.ts";

/** What a master holds while it is a member of the cluster. Every claim hangs off it. */
export interface Lease {
  readonly masterid: number;
  readonly name: string;
  /** Counts the incarnations of the master of this name: a write of an earlier one must not get in. */
  readonly epoch: number;
  readonly leaseMs: number;
}

/** Another master has evicted this one: nothing may be written under its lease any more. It starts over with a new epoch. */
export class LeaseLost extends Error {
  readonly lease: Lease;

  constructor(lease: Lease) {
    super(`The lease of master ${lease.name} (epoch ${lease.epoch}) is lost.`);
    this.name = "LeaseLost";
    this.lease = lease;
  }
}

/** Whether an error is the loss of the lease, however deep it lies under what it made fail. */
export function isLeaseLoss(error: unknown): boolean {
  return error instanceof LeaseLost || (error instanceof Error && isLeaseLoss(error.cause));
}

/**
 * A select that finds one row while the lease is held, and keeps it held until the transaction ends.
 *
 * `for key share` because it conflicts with an eviction's `for update`, which therefore waits for this transaction (and this
 * one, if the eviction came first, finds nothing), but not with the heartbeat's update of columns outside any key: the
 * writes of a busy master never delay its own renewals.
 */
export function fence(dialect: Dialect, lease: Lease): Fragment {
  return {
    sql: `select masterid from mm_leases where ${leaseIsHeld}${dialect.keyShareLock}`,
    bindings: [lease.masterid, lease.epoch],
  };
}

/** Throws `LeaseLost` unless the lease is held; holds it until the transaction ends. Comes first in its transaction. */
export async function requireLease(tx: Connection, lease: Lease): Promise<void> {
  const { sql, bindings } = fence(tx.dialect, lease);
  if ((await queryRows(tx, sql, bindings)).length === 0) throw new LeaseLost(lease);
}

/** A transaction whose writes get in only while the lease is held. */
export function fencedTransaction<T>(database: Database, lease: Lease, fn: (tx: Connection) => Promise<T>): Promise<T> {
  return database.transaction(async (tx) => {
    await requireLease(tx, lease);
    return fn(tx);
  });
}
