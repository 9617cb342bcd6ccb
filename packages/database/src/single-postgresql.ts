import type { Row, SingleConnection } from "./connection.ts";
import { dialects } from "./dialect.ts";
import { connectPostgresql } from "./postgresql-connect.ts";
import { postgresqlConnection } from "./postgresql-settings.ts";
import type { PostgresqlSession } from "./postgresql-tls.ts";

/** Opens a single connection to PostgreSQL. */
export async function openPostgresql(url: string, timeoutMs: number): Promise<SingleConnection> {
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
    dialect: dialects.postgresql,
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
