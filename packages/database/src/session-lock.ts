import pg from "pg";
import type { Database } from "./connection.ts";
import { postgresqlConnection } from "./postgresql-client.ts";

/** Something that one process at a time may do, until released; the server releases it when the process dies. */
export interface SessionLock {
  release(): Promise<void>;
}

/** Takes a lock of PostgreSQL by name, over a connection of its own; undefined when another process has it. */
export async function takeSessionLock(database: Database, name: string): Promise<SessionLock | undefined> {
  const holder = new pg.Client(postgresqlConnection(database.url, { idleTransactionMs: 0 }));
  holder.on("error", () => {});
  await holder.connect();
  const answer = await holder.query("select pg_try_advisory_lock(hashtextextended($1, 0)) as got", [
    `multimaster:${name}`,
  ]);
  if (answer.rows[0].got === true) return { release: () => holder.end().catch(() => {}) };
  await holder.end();
  return undefined;
}
