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
  const noteAnswer = ({ count }: { count: number }) => {
    statements += 1;
    rows += count;
  };
  const before = await totalChanges(database);
  const unwatch = database.watch(({ sql, answer }) => {
    // A statement that returns rows returns those that it wrote. The act hears of those that fail.
    if (writes.test(sql)) answer.then(noteAnswer, () => {});
  });
  try {
    await act();
  } finally {
    unwatch();
  }
  if (database.dialect.name === "sqlite") rows = (await totalChanges(database)) - before;
  return { statements, rows };
}

async function totalChanges(database: Database): Promise<number> {
  if (database.dialect.name !== "sqlite") return 0;
  const [row] = await queryRows<{ n: number }>(database, "select total_changes() as n");
  return row?.n ?? 0;
}
