import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { Database } from "../connection.ts";
import { postgresqlConnection } from "../postgresql-client.ts";

/**
 * Holds the upgrade for this process. PostgreSQL's advisory lock is asked for again and again rather than waited for: a
 * waiting session holds a snapshot, and building an index concurrently waits for all snapshots.
 */
export async function withUpgradeLock<T>(database: Database, work: () => Promise<T>): Promise<T> {
  if (database.dialect.name === "sqlite") return work();
  const holder = new pg.Client(postgresqlConnection(database.url, { idleTransactionMs: 0 }));
  holder.on("error", () => {});
  await holder.connect();
  try {
    while (!(await tryLock(holder))) await sleep(200);
    return await work();
  } finally {
    await holder.end();
  }
}

async function tryLock(holder: pg.Client): Promise<boolean> {
  const answer = await holder.query("select pg_try_advisory_lock(hashtextextended('multimaster:upgrade', 0)) as got");
  return answer.rows[0].got === true;
}
