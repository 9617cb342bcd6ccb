import { fencedTransaction, isLeaseLoss, type Lease } from "@multimaster/cluster";
import type { Connection, Database } from "@multimaster/database";
import { type BatchOptions, batched } from "./batched.ts";

/** Does nothing but query `tx`; it may be called more than once. */
type Write<T> = (tx: Connection) => Promise<T>;

/**
 * Writes, and resolves after the commit. Writes of one lane are done in the order of the calls, whether their callers await
 * each or not; those of different lanes at the same time, so that their statements can be shared.
 */
export type GatheredWrite = <T>(lane: Lane, write: Write<T>) => Promise<T>;

/** The object whose rows are written. */
export type Lane = `${"request" | "build" | "step" | "log" | "command"} ${number | string}`;

/** A write that fails is tried by itself, unless the transaction is what failed: then none of them can succeed now. */
export function writeOptions(database: Database): BatchOptions {
  return { isOfOne: (error) => !isLeaseLoss(error) && !database.dialect.isAway(error) };
}

/**
 * Group commit: fenced writes that arrive while a transaction is under way go together in the next one. A single write does
 * not wait.
 */
export function gatherWrites(database: Database, lease: Lease): GatheredWrite {
  const gathered = batched(
    (writes: readonly LanedWrite[]) => fencedTransaction(database, lease, (tx) => writeInLanes(tx, writes)),
    writeOptions(database),
  );
  return <T>(lane: Lane, write: Write<T>) => gathered({ lane, write }) as Promise<T>;
}

interface LanedWrite {
  readonly lane: Lane;
  readonly write: Write<unknown>;
}

async function writeInLanes(tx: Connection, writes: readonly LanedWrite[]): Promise<unknown[]> {
  const lanes = new Map<Lane, Promise<unknown>>();
  let failure: { error: unknown } | undefined;
  const note = (error: unknown) => {
    // The first one is the cause; what comes after it in the transaction fails as well.
    failure ??= { error };
  };
  const written = writes.map(({ lane, write }) => {
    const before = lanes.get(lane);
    const done = (before ? before.then(() => write(tx)) : write(tx)).catch(note);
    lanes.set(lane, done);
    return done;
  });
  const results = await Promise.all(written);
  if (failure) throw failure.error;
  return results;
}
