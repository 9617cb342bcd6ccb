import type { Row } from "./connection.ts";
import { parseDatabaseUrl } from "./database-url.ts";
import type { Dialect } from "./dialect/dialect.ts";
import { postgresqlDialect } from "./dialect/postgresql.ts";
import { sqliteDialect } from "./dialect/sqlite.ts";
import type { PostgresqlSession } from "./postgresql-tls.ts";

// The thread of the heartbeat loads this, and of a master's start it is a good part: it imports no more than it needs.

/** One connection of one's own, outside every pool: what a heartbeat needs when the pool is full or the loop is stuck. */
export interface SingleConnection {
  readonly dialect: Dialect;
  /** Runs one statement with `?` bindings; returns the number of rows changed. */
  execute(sql: string, bindings: readonly (number | string | null)[]): Promise<number>;
  /** The same for a query; returns its rows. */
  rows(sql: string, bindings: readonly (number | string | null)[]): Promise<Row[]>;
  close(): Promise<void>;
}

export interface SingleConnectionOptions {
  /** An answer that takes longer is an error, and the connection is of no use any more. */
  timeoutMs: number;
}

export async function openSingleConnection(
  url: string,
  { timeoutMs }: SingleConnectionOptions,
): Promise<SingleConnection> {
  const parsed = parseDatabaseUrl(url);
  return parsed.engine === "sqlite" ? openSqlite(parsed.file, timeoutMs) : openPostgresql(parsed.url, timeoutMs);
}

async function openSqlite(file: string, timeoutMs: number): Promise<SingleConnection> {
  const { SqliteDatabase, prepareSqlite } = await import("./sqlite-driver.ts");
  const database = new SqliteDatabase(file, { fileMustExist: true });
  prepareSqlite(database, timeoutMs);
  return {
    dialect: sqliteDialect,
    execute: async (sql, bindings) => database.prepare(sql).run([...bindings]).changes,
    rows: async (sql, bindings) => database.prepare(sql).all([...bindings]) as Row[],
    close: async () => void database.close(),
  };
}

async function openPostgresql(url: string, timeoutMs: number): Promise<SingleConnection> {
  const { connectPostgresql } = await import("./postgresql-connect.ts");
  const { postgresqlConnection } = await import("./postgresql-settings.ts");
  const client = await connectPostgresql({
    ...postgresqlConnection(url, { idleTransactionMs: 0 }),
    application_name: "multimaster heartbeat",
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
  });
  const query = (sql: string, bindings: readonly unknown[]) => {
    let n = 0;
    return client.query<Row>(
      sql.replaceAll("?", () => `$${++n}`),
      [...bindings],
    );
  };
  return {
    dialect: postgresqlDialect,
    execute: async (sql, bindings) => (await query(sql, bindings)).rowCount ?? 0,
    rows: async (sql, bindings) => (await query(sql, bindings)).rows,
    close: () => endClient(client),
  };
}

/** Ends a client that may hang: the goodbye gets a moment, then the socket is cut. */
async function endClient(client: PostgresqlSession): Promise<void> {
  const cut = setTimeout(() => client.cut(), 500);
  await client.end().catch(() => {});
  clearTimeout(cut);
}
