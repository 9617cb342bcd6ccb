import { setTimeout as sleep } from "node:timers/promises";
import { errors } from "@multimaster/core";
import type { Connection, Database } from "../connection.ts";

/** Less than any lease: heartbeats wait behind us while we wait. */
const lockMs = 500;
const patienceMs = 60_000;

/**
 * Runs a transaction that changes tables in use. PostgreSQL lets it wait for everybody who has the table in hand, and
 * everybody else wait behind it, a backup's hours long if need be: so it gives up quickly, lets the others pass and tries
 * again; and says so when it never gets its turn.
 */
export async function withLockTimeout(
  database: Database,
  what: string,
  fn: (tx: Connection) => Promise<void>,
): Promise<void> {
  if (database.dialect.name === "sqlite") return database.transaction(fn);
  const begun = performance.now();
  for (;;) {
    try {
      return await database.transaction(async (tx) => {
        await tx.sql.run(`set local lock_timeout = ${lockMs}`);
        await fn(tx);
      });
    } catch (error) {
      if (!isLockTimeout(error)) throw error;
      if (performance.now() - begun > patienceMs) throw errors.tablesInUse(what, { cause: error });
      await sleep(lockMs);
    }
  }
}

function isLockTimeout(error: unknown): boolean {
  return error instanceof Error && (error as { code?: unknown }).code === "55P03";
}
