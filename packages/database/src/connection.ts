import type { StatementWatcher } from "./connections/statement-watchers.ts";
import type { Dialect } from "./dialect/dialect.ts";
import type { Pooling } from "./pooling.ts";
import type { Row, Sql } from "./sql.ts";

export type { Row };

/**
 * Something that can be asked: the database itself, or a transaction in it. Code that gets one inside a transaction
 * uses only that one: a query beside an open transaction may wait for its end, which then never comes.
 */
export interface Connection {
  readonly sql: Sql;
  readonly dialect: Dialect;
}

/** An open database. The code that opened it closes it. */
export interface Database extends Connection {
  /** The URL as it was given, password included: for opening a second connection, never for showing. */
  readonly url: string;
  /** The URL without its password, for messages. */
  readonly describe: string;
  /** Whether a connection pooler stands between; where it may share sessions, nothing may rely on one. */
  readonly pooling: Pooling;
  /** True when no other master can have this database open (a SQLite file opened with `exclusive`). */
  readonly exclusive: boolean;
  /**
   * Runs `fn` in one transaction. `fn` may run more than once: it is repeated, a few times, when the server reports a
   * serialization failure or deadlock, or when the connection broke before the commit was sent. So it does nothing but
   * query `tx`. If the connection breaks during the commit, no one knows the outcome: the error is thrown, and the
   * connection is destroyed.
   */
  transaction<T>(fn: (tx: Connection) => Promise<T>): Promise<T>;
  /**
   * Runs `fn` over the rows as they are at its first query, however long it reads and whatever is written meanwhile. It
   * writes nothing, and keeps no one from writing.
   */
  snapshot<T>(fn: (tx: Connection) => Promise<T>): Promise<T>;
  /**
   * Breaks every connection in use: what waits for an answer fails immediately, and the next statement connects again. For a master
   * that has found the way to its server dead, where answers would be waited for until the system gives up. SQLite has none.
   */
  breakConnections(): void;
  /** Calls `watcher` for each statement until the returned function is called. For traces and tests. */
  watch(watcher: StatementWatcher): () => void;
  close(): Promise<void>;
}

/** One connection of one's own, outside every pool: what a heartbeat needs when the pool is full or the loop is stuck. */
export interface SingleConnection {
  readonly dialect: Dialect;
  /** Runs one statement with `?` bindings; returns the number of rows changed. */
  execute(sql: string, bindings: readonly (number | string | null)[]): Promise<number>;
  /** The same for a query; returns its rows. */
  rows(sql: string, bindings: readonly (number | string | null)[]): Promise<Row[]>;
  close(): Promise<void>;
}
