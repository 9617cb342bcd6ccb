import { setTimeout as sleep } from "node:timers/promises";
import type BetterSqlite3 from "better-sqlite3";
import {
  hardenTransaction,
  knexClientClass,
  type PendingTransaction,
  refuseInsideTransaction,
  type TransactionConfig,
} from "./knex-client.ts";
import { loadSqlite } from "./sqlite-driver.ts";

interface Query {
  sql: string;
  bindings?: readonly unknown[];
  response?: unknown;
  context?: unknown;
}

/** While another connection (another thread's) writes, a statement is tried again for this long without blocking the loop. */
const busyPatienceMs = 30_000;
const maxCachedStatements = 500;
const prepared = new WeakMap<BetterSqlite3.Database, Map<string, BetterSqlite3.Statement>>();

/**
 * knex's SQLite client with what a master needs: transactions that start as writers, statements that are prepared once,
 * and waiting for a busy file without stopping the event loop. (No private fields: knex makes half-instances of it.)
 */
export class SqliteClient extends knexClientClass("better-sqlite3") {
  _driver(): object {
    return loadSqlite();
  }

  override acquireConnection(): Promise<unknown> {
    refuseInsideTransaction(this);
    return super.acquireConnection();
  }

  override transaction(container: unknown, config: TransactionConfig | undefined, outer: unknown): PendingTransaction {
    const transaction = super.transaction(container, config, outer);
    return outer ? transaction : hardenTransaction(transaction, config?.readOnly ? "BEGIN;" : "BEGIN IMMEDIATE;");
  }

  async _query(connection: BetterSqlite3.Database, query: Query): Promise<Query> {
    // A full or failing disk has ended the transaction already; an error of rolling back would hide that one.
    if (/^rollback\b/i.test(query.sql) && !connection.inTransaction) return query;
    const deadline = performance.now() + busyPatienceMs;
    for (let pause = 1; ; pause = Math.min(pause * 2, 50)) {
      try {
        return runQuery(connection, query);
      } catch (error) {
        // Inside a transaction we already are the writer, so busy means something else there.
        if (!isBusy(error) || connection.inTransaction || performance.now() > deadline) throw error;
        await sleep(pause);
      }
    }
  }
}

function runQuery(connection: BetterSqlite3.Database, query: Query): Query {
  const statement = prepareOnce(connection, query.sql);
  const bindings = (query.bindings ?? []).map((value) => (typeof value === "boolean" ? Number(value) : value));
  if (statement.reader) {
    query.response = statement.all(bindings);
  } else {
    const done = statement.run(bindings);
    query.response = done;
    query.context = { lastID: done.lastInsertRowid, changes: done.changes };
  }
  return query;
}

function prepareOnce(connection: BetterSqlite3.Database, sql: string): BetterSqlite3.Statement {
  let statements = prepared.get(connection);
  if (!statements) prepared.set(connection, (statements = new Map()));
  let statement = statements.get(sql);
  if (!statement) {
    statement = connection.prepare(sql);
    if (statements.size >= maxCachedStatements) statements.clear();
    statements.set(sql, statement);
  }
  return statement;
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && "code" in error && String(error.code).startsWith("SQLITE_BUSY");
}
