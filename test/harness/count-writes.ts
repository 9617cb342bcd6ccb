import { type Database, queryRows } from "@multimaster/database";

/** Rows that statements of one act wrote. */
export interface Written {
  readonly statements: number;
  readonly rows: number;
}

const writes = /^\s*(with|insert|update|delete)\b/i;

/** Counts the statements that write, and the rows that they insert, change or delete, cascades left out. */
export async function countWrites(database: Database, act: () => Promise<unknown>): Promise<Written> {
  let statements = 0;
  let rows = 0;
  const listen = (response: unknown, { sql }: { sql: string }) => {
    if (!writes.test(sql)) return;
    statements += 1;
    rows += rowsOf(response);
  };
  const before = await totalChanges(database);
  database.sql.on("query-response", listen);
  try {
    await act();
  } finally {
    database.sql.removeListener("query-response", listen);
  }
  if (database.dialect.name === "sqlite") rows = (await totalChanges(database)) - before;
  return { statements, rows };
}

/** A statement that returns rows returns those that it wrote. */
function rowsOf(response: unknown): number {
  if (Array.isArray(response)) return response.length;
  const { rowCount } = response as { rowCount?: number | null };
  return rowCount ?? 0;
}

async function totalChanges(database: Database): Promise<number> {
  if (database.dialect.name !== "sqlite") return 0;
  const [row] = await queryRows<{ n: number }>(database, "select total_changes() as n");
  return row?.n ?? 0;
}
