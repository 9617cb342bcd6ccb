import { append } from "@multimaster/core/extremes";
import type { Connection, Row } from "./connection.ts";
import type { Dialect, Fragment } from "./dialect/dialect.ts";
import { postgresqlDialect } from "./dialect/postgresql.ts";
import { sqliteDialect } from "./dialect/sqlite.ts";
import { quoteAll, writeInsert } from "./insert-statement.ts";
import { quote } from "./quote.ts";

export type { Dialect, Fragment };

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

export const dialects = { sqlite: sqliteDialect, postgresql: postgresqlDialect } as const;

/** Runs one SQL statement with `?` bindings and returns its rows (of a select, or what a `returning` names). */
export async function queryRows<R extends object = Row>(
  connection: Connection,
  sql: string,
  bindings: readonly unknown[] = [],
): Promise<R[]> {
  return (await connection.sql.run(sql, bindings)).rows as R[];
}

/** Runs one SQL statement with `?` bindings and returns the number of rows it changed. */
export async function execute(connection: Connection, sql: string, bindings: readonly unknown[] = []): Promise<number> {
  return (await connection.sql.run(sql, bindings)).count;
}

/** SQLite takes no more terms than 500 in one statement, PostgreSQL no more bindings than 65,535. */
const mostRows = 400;

function inPieces(rows: readonly Row[]): Row[][] {
  const pieces: Row[][] = [];
  for (let from = 0; from < rows.length; from += mostRows) pieces.push(rows.slice(from, from + mostRows));
  return pieces;
}

/** Inserts one row; returns the `returning` columns of it. */
export async function insertRow<R extends object = Row>(
  connection: Connection,
  table: string,
  row: Row,
  returning: readonly string[],
): Promise<R> {
  const { sql, bindings } = writeInsert(table, [row]);
  const [inserted] = await queryRows<R>(connection, `${sql} returning ${quoteAll(returning)}`, bindings);
  return inserted as R;
}

/** Inserts rows, leaving out those whose key is taken. Returns the `returning` columns of the rows that were inserted. */
export async function insertIgnore<R extends object = Row>(connection: Connection, insert: InsertIgnore): Promise<R[]> {
  const ending = ` on conflict (${quoteAll(insert.conflict)}) do nothing returning ${quoteAll(insert.returning ?? insert.conflict)}`;
  const inserted: R[] = [];
  for (const rows of inPieces(insert.rows)) {
    const { sql, bindings } = writeInsert(insert.table, rows);
    append(inserted, await queryRows<R>(connection, sql + ending, bindings));
  }
  return inserted;
}

/** Inserts rows, or updates those whose key is taken. */
export async function upsert(connection: Connection, { table, rows: all, key, update }: Upsert): Promise<void> {
  for (const rows of inPieces(all)) {
    const columns = update ?? Object.keys(rows[0] as Row).filter((column) => !key.includes(column));
    const changes = columns.map((column) => `${quote(column)} = excluded.${quote(column)}`).join(", ");
    const { sql, bindings } = writeInsert(table, rows);
    const action = columns.length === 0 ? "nothing" : `update set ${changes}`;
    await execute(connection, `${sql} on conflict (${quoteAll(key)}) do ${action}`, bindings);
  }
}
