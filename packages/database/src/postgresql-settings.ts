import pg from "pg";

export interface PostgresqlSettings {
  /** The server ends a transaction that says nothing for so long, and with it every lock it holds; 0: it does not. */
  idleTransactionMs: number;
}

/** Settings of every connection to PostgreSQL, as pg takes them. */
export function postgresqlConnection(
  url: string,
  settings: PostgresqlSettings,
): pg.ClientConfig & { connectionString: string } {
  return {
    connectionString: url,
    application_name: "multimaster",
    keepAlive: true,
    connectionTimeoutMillis: 10_000,
    // A master that is frozen in mid-transaction must not keep its lease row locked against its own eviction.
    idle_in_transaction_session_timeout: settings.idleTransactionMs,
    types: { getTypeParser: typeParser },
  };
}

const int8 = 20;
const numeric = 1700;

/**
 * Counts and sums come as text by default; ours are far below 2^53. What is not, another program has written: it is read
 * as the largest exact number, because a value that is stored must never make its row unreadable.
 */
function toSafeNumber(text: string): number {
  const value = Number(text);
  if (Math.abs(value) <= Number.MAX_SAFE_INTEGER) return value;
  return Math.sign(value) * Number.MAX_SAFE_INTEGER;
}

const typeParser = ((type: number, format?: "text" | "binary") =>
  type === int8 || type === numeric
    ? toSafeNumber
    : pg.types.getTypeParser(type, format as "text")) as typeof pg.types.getTypeParser;
