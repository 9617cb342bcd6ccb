import { fencedTransaction, isLeaseLoss, type Lease } from "@multimaster/cluster";
import type { Connection, Database } from "@multimaster/database";
import { type BatchOptions, batched } from "./batched.ts";

/** Does nothing but query `tx`; it may be called more than once. */
type Write<T> = (tx: Connection) => Promise<T>;

/**
 * Writes, and resolves after the commit. Those with a higher `order` come later in their transaction: writes that lock rows
 * which other masters lock, too, are ordered by row, so that no two masters wait for each other.
 */
export type GatheredWrite = <T>(write: Write<T>, order?: number) => Promise<T>;

/** A write that fails is tried by itself, unless the transaction is what failed: then none of them can succeed now. */
export function writeOptions(database: Database): BatchOptions {
  return { isOfOne: (error) => !isLeaseLoss(error) && !database.dialect.isAway(error) };
}

/**
 * Group commit: fenced writes that arrive while a transaction is under way go together in the next one. A single write does
 * not wait, and writes of one caller are written in the order of its calls, whether it awaits each or not.
 */
export function gatherWrites(database: Database, lease: Lease): GatheredWrite {
  const gathered = batched(
    (writes: readonly { write: Write<unknown>; order: number }[]) =>
      fencedTransaction(database, lease, async (tx) => {
        const results = new Map<number, unknown>();
        const ordered = [...writes.entries()].sort(([, a], [, b]) => a.order - b.order);
        for (const [i, { write }] of ordered) results.set(i, await write(tx));
        return writes.map((_, i) => results.get(i));
      }),
    writeOptions(database),
  );
  return <T>(write: Write<T>, order = 0) => gathered({ write, order }) as Promise<T>;
}
