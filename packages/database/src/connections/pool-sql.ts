import type { Answer, Sql } from "../sql.ts";
import type { ConnectionPool } from "./connection-pool.ts";
import { refuseInsideTransaction } from "./inside-transaction.ts";
import type { PooledConnection } from "./pooled-connection.ts";

/** Runs each statement over whichever connection is free. */
export class PoolSql implements Sql {
  readonly #pool: ConnectionPool<PooledConnection>;

  constructor(pool: ConnectionPool<PooledConnection>) {
    this.#pool = pool;
  }

  async run(statement: string, bindings: readonly unknown[] = []): Promise<Answer> {
    refuseInsideTransaction(this.#pool);
    const connection = await this.#pool.acquire();
    try {
      return await connection.run(statement, bindings);
    } finally {
      this.#pool.release(connection);
    }
  }
}
