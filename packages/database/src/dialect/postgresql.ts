import type { Dialect } from "../dialect.ts";

/** SQLSTATE or errno of an error, wherever the driver put it. */
function codeOf(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
}

function arrayType(values: readonly (number | string)[]): string {
  if (typeof values[0] !== "number") return "text";
  if (!values.every((value) => Number.isInteger(value))) return "double precision";
  return values.every((value) => Math.abs(value as number) < 2 ** 31) ? "integer" : "bigint";
}

const lostConnection = new Set([
  "57P01", // admin_shutdown
  "57P02", // crash_shutdown
  "57P03", // cannot_connect_now
  "57P05", // idle_session_timeout
  "25P03", // idle_in_transaction_session_timeout
  "ECONNREFUSED",
  "ECONNRESET",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOENT",
  "EPIPE",
  "ETIMEDOUT",
]);

export const postgresqlDialect: Dialect = {
  name: "postgresql",
  // clock_timestamp, not now(): the latter stands still in a transaction, and a burial may have waited for a lock in it.
  now: "extract(epoch from clock_timestamp())::double precision",
  nowSeconds: "floor(extract(epoch from clock_timestamp()))::integer",
  updateLock: " for update",
  noKeyUpdateLock: " for no key update",
  skipLocked: " skip locked",
  keyShareLock: " for key share",
  ascending: " asc nulls first",
  descending: " desc nulls last",
  isOneOf(expression, values) {
    if (values.length === 0) return { sql: "false", bindings: [] };
    return { sql: `${expression} = any(?::${arrayType(values)}[])`, bindings: [[...values]] };
  },
  contains: (expression, text) => ({ sql: `position(?::text in ${expression}) > 0`, bindings: [text] }),
  columnType(type) {
    if (typeof type === "object") return `varchar(${type.varchar})`;
    return {
      serial: "serial",
      integer: "integer",
      smallint: "smallint",
      double: "double precision",
      text: "text",
      bytes: "bytea",
    }[type];
  },
  async lockName(tx, name) {
    await tx.sql.raw("select pg_advisory_xact_lock(hashtextextended(?, 0))", [`multimaster:${name}`]);
  },
  isUniqueViolation: (error) => codeOf(error) === "23505",
  isForeignKeyViolation: (error) => codeOf(error) === "23503",
  isRetryable: (error) => ["40001", "40P01"].includes(codeOf(error)),
  isConnectionLoss(error) {
    const code = codeOf(error);
    if (lostConnection.has(code) || code.startsWith("08")) return true;
    return (
      error instanceof Error &&
      // "timeout expired": a server that stands still accepts connections and does not greet.
      /connection terminated|client has encountered a connection error|not queryable|connection timeout|^timeout expired$|timeout acquiring a connection/i.test(
        error.message,
      )
    );
  },
};
