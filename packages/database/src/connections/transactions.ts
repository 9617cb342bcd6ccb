import { setTimeout as sleep } from "node:timers/promises";
import { Backoff } from "@multimaster/core";
import type { Connection } from "../connection.ts";
import type { Dialect } from "../dialect.ts";
import type { Answer, Sql } from "../sql.ts";
import type { ConnectionPool } from "./connection-pool.ts";
import { refuseInsideTransaction, runInside } from "./inside-transaction.ts";
import type { PooledConnection, TransactionOptions } from "./pooled-connection.ts";
import type { WriterTurns } from "./writer-turns.ts";

const maxTries = 6;

/** The caller waits for a database that is away for longer: a user may be waiting for an answer. */
const patienceMs = 5000;

/** Runs a statement outside any transaction again, a few times, when the server rolled it back only because of others. */
export async function retryRolledBack<T>({ dialect }: Connection, run: () => Promise<T>): Promise<T> {
  const backoff = new Backoff({ initial: 20, max: 1000 });
  for (let tries = 1; ; tries++) {
    try {
      return await run();
    } catch (error) {
      if (!dialect.isRetryable(error) || tries >= maxTries) throw error;
    }
    await sleep(backoff.next());
  }
}

/** Where transactions of a database run. */
export interface TransactionRoom {
  readonly pool: ConnectionPool<PooledConnection>;
  readonly dialect: Dialect;
  /** Where one transaction at a time may write. */
  readonly turns?: WriterTurns | undefined;
}

/** Runs a transaction, again when its failure is none of its own; see `Database.transaction`. */
export async function runTransaction<T>(
  room: TransactionRoom,
  fn: (tx: Connection) => Promise<T>,
  options: TransactionOptions = {},
): Promise<T> {
  // In turns it would wait for the transaction that it is called from.
  refuseInsideTransaction(room.pool);
  const backoff = new Backoff({ initial: 20, max: 1000 });
  const begun = performance.now();
  for (let tries = 1; ; tries++) {
    const attempt = { isCommitting: false };
    try {
      const run = () => runOnce(room, fn, options, attempt);
      return await (room.turns ? room.turns.take(run) : run());
    } catch (error) {
      const patient = !attempt.isCommitting && performance.now() - begun < patienceMs;
      const again = room.dialect.isRetryable(error) || (patient && room.dialect.isAway(error));
      if (!again || tries >= maxTries) throw error;
      await sleep(backoff.next());
    }
  }
}

async function runOnce<T>(
  { pool, dialect }: TransactionRoom,
  fn: (tx: Connection) => Promise<T>,
  options: TransactionOptions,
  attempt: { isCommitting: boolean },
): Promise<T> {
  const connection = await pool.acquire();
  try {
    const sql = new TransactionSql(connection);
    let result: T;
    try {
      await connection.begin(options);
      result = await runInside(pool, () => fn({ sql, dialect }));
    } catch (error) {
      sql.end();
      await connection.rollback();
      throw error;
    }
    sql.end();
    // From here on a broken connection leaves the outcome unknown.
    attempt.isCommitting = true;
    await connection.commit();
    return result;
  } finally {
    pool.release(connection);
  }
}

/** Runs statements inside one transaction, until its end. */
class TransactionSql implements Sql {
  readonly #connection: PooledConnection;
  #hasEnded = false;

  constructor(connection: PooledConnection) {
    this.#connection = connection;
  }

  async run(statement: string, bindings: readonly unknown[] = []): Promise<Answer> {
    if (this.#hasEnded) throw new Error(`A statement came after the end of its transaction: ${statement}`);
    return this.#connection.run(statement, bindings);
  }

  end(): void {
    this.#hasEnded = true;
  }
}
