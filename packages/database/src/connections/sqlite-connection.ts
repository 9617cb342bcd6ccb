import { setTimeout as sleep } from "node:timers/promises";
import type BetterSqlite3 from "better-sqlite3";
import type { Answer, Row } from "../sql.ts";
import { loadSqlite, prepareSqlite } from "../sqlite-driver.ts";
import { nameStatement } from "./name-statement.ts";
import { refuseUndefined } from "./placeholders.ts";
import type { PooledConnection, TransactionOptions } from "./pooled-connection.ts";
import type { StatementWatchers } from "./statement-watchers.ts";

/** While another connection (another thread's) writes, a statement is tried again for this long without blocking the loop. */
const busyPatienceMs = 30_000;
const maxCachedStatements = 500;

/**
 * A connection to a SQLite file with what a master needs: transactions that start as writers, statements that are prepared
 * once, and waiting for a busy file without stopping the event loop.
 */
export class SqliteConnection implements PooledConnection {
  readonly #database: BetterSqlite3.Database;
  readonly #watchers: StatementWatchers;
  readonly #statements = new Map<string, BetterSqlite3.Statement>();
  #isSpoilt = false;

  constructor(file: string, watchers: StatementWatchers) {
    this.#watchers = watchers;
    this.#database = new (loadSqlite())(file);
    try {
      prepareSqlite(this.#database);
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  get isSpoilt(): boolean {
    return this.#isSpoilt;
  }

  run(statement: string, bindings: readonly unknown[]): Promise<Answer> {
    const answer = this.#runWhenFree(statement, bindings);
    this.#watchers.notify(statement, bindings, answer);
    return answer;
  }

  async begin({ readOnly }: TransactionOptions): Promise<void> {
    await this.run(readOnly ? "BEGIN;" : "BEGIN IMMEDIATE;", []);
  }

  async commit(): Promise<void> {
    try {
      await this.run("COMMIT;", []);
    } catch (error) {
      this.#isSpoilt = true;
      throw error;
    }
  }

  async rollback(): Promise<void> {
    // A full or failing disk has ended the transaction already.
    if (!this.#database.inTransaction) return;
    try {
      await this.run("ROLLBACK;", []);
    } catch {
      this.#isSpoilt = true;
    }
  }

  async close(): Promise<void> {
    this.#database.close();
  }

  async #runWhenFree(statement: string, bindings: readonly unknown[]): Promise<Answer> {
    const deadline = performance.now() + busyPatienceMs;
    for (let pause = 1; ; pause = Math.min(pause * 2, 50)) {
      try {
        return this.#runNow(statement, bindings);
      } catch (error) {
        // Inside a transaction we already are the writer, so busy means something else there.
        if (!isBusy(error) || this.#database.inTransaction || performance.now() > deadline) {
          nameStatement(error, statement);
          throw error;
        }
      }
      await sleep(pause);
    }
  }

  #runNow(text: string, bindings: readonly unknown[]): Answer {
    refuseUndefined(text, bindings);
    const statement = this.#prepareOnce(text);
    const values = bindings.map((value) => (typeof value === "boolean" ? Number(value) : value));
    if (!statement.reader) return { rows: [], count: statement.run(values).changes };
    const rows = statement.all(values) as Row[];
    return { rows, count: rows.length };
  }

  #prepareOnce(text: string): BetterSqlite3.Statement {
    let statement = this.#statements.get(text);
    if (!statement) {
      statement = this.#database.prepare(text);
      if (this.#statements.size >= maxCachedStatements) this.#statements.clear();
      this.#statements.set(text, statement);
    }
    return statement;
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && "code" in error && String(error.code).startsWith("SQLITE_BUSY");
}
