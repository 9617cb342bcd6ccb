import type { Connection, Row } from "../connection.ts";
import { execute } from "../dialect.ts";

const maxBindings = 30_000;

/** Inserts rows that all have the same columns, many per statement. */
export async function insertRows(
  tx: Connection,
  table: string,
  rows: readonly Row[],
  maxPerStatement = 500,
): Promise<void> {
  const columns = Object.keys(rows[0] ?? {});
  const size = Math.max(1, Math.min(maxPerStatement, Math.floor(maxBindings / Math.max(1, columns.length))));
  const tuple = `(${columns.map(() => "?").join(", ")})`;
  for (let start = 0; start < rows.length; start += size) {
    const part = rows.slice(start, start + size);
    const sql = `insert into ${table} (${columns.join(", ")}) values ${part.map(() => tuple).join(", ")}`;
    await execute(
      tx,
      sql,
      part.flatMap((row) => columns.map((column) => row[column])),
    );
  }
}
