import type { Row, SingleConnection } from "./connection.ts";
import { parseDatabaseUrl } from "./database-url.ts";
import { dialects } from "./dialect.ts";
import { loadSqlite, prepareSqlite } from "./sqlite-driver.ts";

export type { SingleConnection };

export interface SingleConnectionOptions {
  /** An answer that takes longer is an error, and the connection is of no use any more. */
  timeoutMs: number;
}

export async function openSingleConnection(
  url: string,
  { timeoutMs }: SingleConnectionOptions,
): Promise<SingleConnection> {
  const parsed = parseDatabaseUrl(url);
  if (parsed.engine === "sqlite") return openSqlite(parsed.file, timeoutMs);
  // The heartbeat's thread loads only the driver that it uses.
  const { openPostgresql } = await import("./single-postgresql.ts");
  return openPostgresql(parsed.url, timeoutMs);
}

function openSqlite(file: string, timeoutMs: number): SingleConnection {
  const database = new (loadSqlite())(file, { fileMustExist: true });
  prepareSqlite(database, timeoutMs);
  return {
    dialect: dialects.sqlite,
    execute: async (sql, bindings) => database.prepare(sql).run([...bindings]).changes,
    rows: async (sql, bindings) => database.prepare(sql).all([...bindings]) as Row[],
    close: async () => void database.close(),
  };
}
