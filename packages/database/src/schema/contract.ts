import { setTimeout as sleep } from "node:timers/promises";
import type { Connection, Database } from "../connection.ts";
import { queryRows } from "../dialect.ts";
import { mastersBelow, raiseDataVersion } from "./data-version.ts";
import { withLockTimeout } from "./lock-timeout.ts";
import type { Contract } from "./migration.ts";

/**
 * Removes what older masters need, if none of them is left; otherwise returns their names. Before anything goes, the
 * cluster's data version keeps them from joining, and what was begun under an older version has ended.
 */
export async function applyContract(
  database: Database,
  migration: Contract,
  apply: (tx: Connection, migration: Contract) => Promise<void>,
): Promise<string[]> {
  const older = await database.transaction(async (tx) => {
    await tx.dialect.lockName(tx, "join");
    // The only user of a SQLite file knows that every master that looks alive in it has ended.
    const found = database.exclusive ? [] : await mastersBelow(tx, migration.dataVersion);
    if (found.length === 0) await raiseDataVersion(tx, migration.dataVersion);
    return found;
  });
  if (older.length > 0) return older;
  await outlastTransactions(database);
  await withLockTimeout(database, migration.name, (tx) => apply(tx, migration));
  return [];
}

/**
 * Waits for the transactions that have begun to write (a fenced one has, with its first statement): they may have read
 * the data version before it rose. SQLite has none beside our own.
 */
async function outlastTransactions(database: Database): Promise<void> {
  if (database.dialect.name === "sqlite") return;
  const [begun] = await queryRows<{ next: string }>(
    database,
    "select pg_snapshot_xmax(pg_current_snapshot())::text as next",
  );
  const isOver = "select 1 from (select pg_snapshot_xmin(pg_current_snapshot()) as oldest) s where s.oldest >= ?::xid8";
  while ((await queryRows(database, isOver, [begun?.next])).length === 0) await sleep(100);
}
