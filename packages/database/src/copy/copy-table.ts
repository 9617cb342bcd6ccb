import type { Connection, Row } from "../connection.ts";
import { queryRows } from "../dialect.ts";
import { quoteAll } from "../insert-statement.ts";
import { quote } from "../quote.ts";
import { insertRows } from "../stores/insert-rows.ts";

/** Chunks of logs have up to 64 KiB each, so that a batch has a few megabytes. */
const batch = 200;

/** Copies the rows of one table in the order in which they came; returns how many they were. */
export async function copyTable(
  source: Connection,
  target: Connection,
  table: string,
  columns: readonly string[],
): Promise<number> {
  let copied = 0;
  let last = Number.MIN_SAFE_INTEGER;
  for (;;) {
    const rows = await queryRows<Row & { mm_rowid: number }>(
      source,
      `select rowid as mm_rowid, ${quoteAll(columns)} from ${quote(table)} where rowid > ? order by rowid limit ${batch}`,
      [last],
    );
    const newest = rows.at(-1);
    if (!newest) return copied;
    last = newest.mm_rowid;
    await insertRows(
      target,
      quote(table),
      rows.map((row) => Object.fromEntries(columns.map((column) => [quote(column), asPostgresql(row[column])]))),
    );
    copied += rows.length;
  }
}

/** PostgreSQL has no text with a NUL. */
function asPostgresql(value: unknown): unknown {
  return typeof value === "string" && value.includes("\0") ? value.replaceAll("\0", "\ufffd") : value;
}
