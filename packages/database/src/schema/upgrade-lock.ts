import { setTimeout as sleep } from "node:timers/promises";
import type { Database } from "../connection.ts";
import { takeSessionLock } from "../session-lock.ts";

/**
 * Holds the upgrade for this process. PostgreSQL's advisory lock is asked for again and again rather than waited for: a
 * waiting session holds a snapshot, and building an index concurrently waits for all snapshots.
 */
export async function withUpgradeLock<T>(database: Database, work: () => Promise<T>): Promise<T> {
  if (database.dialect.name === "sqlite") return work();
  let lock = await takeSessionLock(database, "upgrade");
  while (!lock) {
    await sleep(200);
    lock = await takeSessionLock(database, "upgrade");
  }
  try {
    return await work();
  } finally {
    await lock.release();
  }
}
