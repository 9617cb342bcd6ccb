import { append } from "@multimaster/core";
import type { Connection, Row } from "./connection.ts";
import { postgresqlDialect } from "./dialect/postgresql.ts";
import { sqliteDialect } from "./dialect/sqlite.ts";
import type { DatabaseTrouble } from "./dialect/trouble.ts";

/** A piece of SQL with its `?` bindings. */
export interface Fragment {
  sql: string;
  bindings: readonly unknown[];
}

export interface InsertIgnore {
  table: string;
  rows: readonly Row[];
  /** The unique columns that may already be taken; other violations still throw. */
  conflict: readonly string[];
  returning?: readonly string[];
}

export interface Upsert {
  table: string;
  rows: readonly Row[];
  key: readonly string[];
  /** Columns taken from the new row when the key exists; default: all columns that are not in the key. */
  update?: readonly string[];
}

/** Everything the two engines do differently, named once. Nobody else asks which engine it is. */
export interface Dialect {
  readonly name: "sqlite" | "postgresql";
  /** SQL: the database's clock, epoch seconds with fractions. It moves within a transaction. Leases go by it. */
  readonly now: string;
  /** SQL: the database's clock in whole epoch seconds, as Buildbot's columns have it. */
  readonly nowSeconds: string;
  /** SQL: since when the database could be asked, epoch seconds; 0 where no server has to run. */
  readonly upSince: string;
  /** SQL after a select: locks its rows against every change and every `keyShareLock`. */
  readonly updateLock: string;
  /** SQL after a select: locks its rows against change, but not against rows that refer to them by foreign key. */
  readonly noKeyUpdateLock: string;
  /** SQL after a lock: rows that are locked by others are left out instead of waited for. */
  readonly skipLocked: string;
  /** SQL after a select: keeps others from changing its rows, but not from the same lock. */
  readonly shareLock: string;
  /** SQL after a select: keeps others from `updateLock` on its rows, but not from updating columns outside keys. */
  readonly keyShareLock: string;
  /** SQL: ascending order that puts nulls first on both engines, to be used after a column. */
  readonly ascending: string;
  /** SQL: descending order that puts nulls last on both engines. */
  readonly descending: string;
  /** A condition: the value of `expression` is one of `values`, which may be many (one binding) or none (false). */
  isOneOf(expression: string, values: readonly (number | string)[]): Fragment;
  /** The expression where a condition on it is to be judged row by row in the wanted order, not looked up and then sorted. */
  inOrder(expression: string): string;
  /** A condition: the text of `expression` contains `text`, upper and lower case told apart. */
  contains(expression: string, text: string): Fragment;
  /** Column types as DDL wants them. */
  columnType(type: "serial" | "integer" | "smallint" | "double" | "text" | "bytes" | { varchar: number }): string;
  /** SQL of a transaction that fails where the disk is full, although no row of it needs new space. */
  readonly spaceProbe: readonly string[];
  /** Waits for, and holds to the end of the transaction, a lock of this name over all masters of the database. */
  lockName(tx: Connection, name: string): Promise<void>;
  /** Was this error a violation of a unique index or primary key? */
  isUniqueViolation(error: unknown): boolean;
  /** Did the referred row not exist? */
  isForeignKeyViolation(error: unknown): boolean;
  /** Is it worth trying the same transaction again? */
  isRetryable(error: unknown): boolean;
  /**
   * What is wrong with the database, if not the statement is at fault, however deep that lies under the error: the same
   * may succeed later. Only what is known to be the statement's fault is that; what nobody has thought of is not.
   */
  findTrouble(error: unknown): DatabaseTrouble | undefined;
  /** Whether `findTrouble` finds anything. */
  isAway(error: unknown): boolean;
}

export const dialects = { sqlite: sqliteDialect, postgresql: postgresqlDialect } as const;

/** Runs one SQL statement with `?` bindings and gives its rows (of a select, or what a `returning` names). */
export async function queryRows<R extends object = Row>(
  connection: Connection,
  sql: string,
  bindings: readonly unknown[] = [],
): Promise<R[]> {
  const answer: unknown = await connection.sql.raw(sql, bindings as never);
  if (Array.isArray(answer)) return answer as R[];
  return ((answer as { rows?: R[] }).rows ?? []) as R[];
}

/** Runs one SQL statement with `?` bindings and gives the number of rows it changed. */
export async function execute(connection: Connection, sql: string, bindings: readonly unknown[] = []): Promise<number> {
  const answer = (await connection.sql.raw(sql, bindings as never)) as { rowCount?: number | null; changes?: number };
  return answer.rowCount ?? answer.changes ?? 0;
}

/** SQLite takes no more terms than 500 in one statement, PostgreSQL no more bindings than 65,535. */
const mostRows = 400;

function inPieces(rows: readonly Row[]): Row[][] {
  const pieces: Row[][] = [];
  for (let from = 0; from < rows.length; from += mostRows) pieces.push(rows.slice(from, from + mostRows));
  return pieces;
}

/** Inserts rows, leaving out those whose key is taken. Gives the `returning` columns of the rows really inserted. */
export async function insertIgnore<R extends object = Row>(connection: Connection, insert: InsertIgnore): Promise<R[]> {
  const returning = [...(insert.returning ?? insert.conflict)];
  const inserted: R[] = [];
  for (const rows of inPieces(insert.rows)) {
    const query = connection.sql(insert.table).insert(rows);
    const answer = (await query
      .onConflict([...insert.conflict])
      .ignore()
      .returning(returning)) as R[];
    append(inserted, answer);
  }
  return inserted;
}

/** Inserts rows, or updates those whose key is taken. */
export async function upsert(connection: Connection, { table, rows: all, key, update }: Upsert): Promise<void> {
  for (const rows of inPieces(all)) {
    const columns = update ?? Object.keys(rows[0] as Row).filter((column) => !key.includes(column));
    const query = connection
      .sql(table)
      .insert(rows)
      .onConflict([...key]);
    await (columns.length === 0 ? query.ignore() : query.merge([...columns]));
  }
}
