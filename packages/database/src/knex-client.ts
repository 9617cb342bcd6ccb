import { AsyncLocalStorage } from "node:async_hooks";
import { createRequire } from "node:module";

/** What a transaction may be asked for; it reaches our clients through knex. */
export interface TransactionConfig {
  /** Only reads, and all of it from one snapshot. */
  readOnly?: boolean;
}

/** The part of knex's client classes that ours build on; knex documents subclassing but does not type it. */
export interface PoolClient {
  readonly connectionSettings: unknown;
  acquireConnection(): Promise<unknown>;
  acquireRawConnection(): Promise<unknown>;
  transaction(container: unknown, config: TransactionConfig | undefined, outer: unknown): PendingTransaction;
}

export type ClientClass = new (config: unknown) => PoolClient;

export interface RawConnection {
  /** knex destroys a connection that carries this instead of pooling it. */
  __knex__disposed?: unknown;
}

/** What we use of knex's transaction object; its `begin` and `commit` run later, so they can be replaced at once. */
export interface PendingTransaction {
  trxClient: { query(connection: RawConnection, sql: string): Promise<{ response?: { command?: string } }> };
  begin(connection: RawConnection): Promise<unknown>;
  commit(connection: RawConnection, value: unknown): Promise<void>;
  _completed: boolean;
  _resolver(value: unknown): void;
  _rejecter(error: unknown): void;
}

const require = createRequire(import.meta.url);

/** Loads one of knex's client classes. */
export function knexClientClass(dialect: "better-sqlite3" | "postgres"): ClientClass {
  return require(`knex/lib/dialects/${dialect}/index.js`) as ClientClass;
}

/**
 * Replaces what knex's transactions do badly: after a failed BEGIN they run the body all the same, a COMMIT that the
 * server answers with a rollback counts as success, and a connection whose COMMIT failed goes back to the pool.
 */
export function hardenTransaction(transaction: PendingTransaction, begin: string): PendingTransaction {
  transaction.begin = (connection) => transaction.trxClient.query(connection, begin);
  transaction.commit = async (connection, value) => {
    try {
      const committing = transaction.trxClient.query(connection, "COMMIT;");
      transaction._completed = true;
      const { response } = await committing;
      if (response?.command === "ROLLBACK") throw new Error("The transaction had failed before its commit.");
      transaction._resolver(value);
    } catch (error) {
      transaction._completed = true;
      connection.__knex__disposed = error;
      transaction._rejecter(error);
    }
  };
  return transaction;
}

const inside = new AsyncLocalStorage<{ client: object; open: boolean }>();

/** Runs the body of a transaction so that a query beside it, from within it, is refused instead of waiting for ever. */
export async function runInside<T>(client: object, body: () => Promise<T>): Promise<T> {
  const state = { client, open: true };
  try {
    return await inside.run(state, body);
  } finally {
    state.open = false;
  }
}

/** Throws when called from within a transaction of this very client. */
export function refuseInsideTransaction(client: object): void {
  const state = inside.getStore();
  if (state?.open && state.client === client) {
    throw new Error("A query inside a transaction must go through the transaction's connection, not the database's.");
  }
}
