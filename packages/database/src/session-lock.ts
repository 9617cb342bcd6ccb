import type { Database } from "./connection.ts";
import { connectPostgresql } from "./postgresql-connect.ts";
import { postgresqlConnection } from "./postgresql-settings.ts";

/** Something that one process at a time may do, until released; the server releases it when the process dies. */
export interface SessionLock {
  release(): Promise<void>;
}

/** Takes a lock of PostgreSQL by name, over a connection of its own; undefined when another process has it. */
export async function takeSessionLock(
  { url, pooling }: Pick<Database, "url" | "pooling">,
  name: string,
): Promise<SessionLock | undefined> {
  const holder = await connectPostgresql(postgresqlConnection(url, { idleTransactionMs: 0 }));
  // Where sessions are shared, only a transaction keeps one: it stays open, and holds no snapshot.
  const isShared = pooling === "transaction";
  if (isShared) await holder.query("begin; set local idle_in_transaction_session_timeout = 0");
  const answer = await holder.query(
    `select pg_try_advisory_${isShared ? "xact_" : ""}lock(hashtextextended($1, 0)) as got`,
    [`multimaster:${name}`],
  );
  const release = async () => {
    if (isShared) await holder.query("rollback").catch(() => {});
    await holder.end().catch(() => {});
  };
  if (answer.rows[0].got === true) return { release };
  await release();
  return undefined;
}
