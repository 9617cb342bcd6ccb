import type { Dialect } from "../dialect.ts";
import { codeOf, isCausedBy } from "./error-codes.ts";

function arrayType(values: readonly (number | string)[]): string {
  if (typeof values[0] !== "number") return "text";
  if (!values.every((value) => Number.isInteger(value))) return "double precision";
  return values.every((value) => Math.abs(value as number) < 2 ** 31) ? "integer" : "bigint";
}

// SQLSTATE classes 08 (connection), 40 (rolled back), 53 (resources), 57P (shutdown), 55P03 (a lock not got), 25P03 (ended
// for its silence); sockets.
const awayCodes =
  /^(08\w{3}|40\w{3}|53\w{3}|57P\w{2}|55P03|25P03|E(CONNREFUSED|CONNRESET|CONNABORTED|PIPE|TIMEDOUT|HOSTUNREACH|NETUNREACH|AI_AGAIN)|ENOTFOUND)$/;

// "timeout expired": a server that stands still accepts connections and does not greet.
const awayMessages =
  /connection terminated|client has encountered a connection error|not queryable|connection timeout|^timeout expired$|timeout acquiring a connection|connection (was )?(closed|ended)|server closed/i;

function isAway(error: Error): boolean {
  const code = codeOf(error);
  // No such socket; another file that is missing is none of the database's.
  if (code === "ENOENT") return (error as NodeJS.ErrnoException).syscall === "connect";
  return awayCodes.test(code) || awayMessages.test(error.message);
}

export const postgresqlDialect: Dialect = {
  name: "postgresql",
  // clock_timestamp, not now(): the latter stands still in a transaction, and a burial may have waited for a lock in it.
  now: "extract(epoch from clock_timestamp())::double precision",
  nowSeconds: "floor(extract(epoch from clock_timestamp()))::integer",
  upSince: "extract(epoch from pg_postmaster_start_time())::double precision",
  updateLock: " for update",
  noKeyUpdateLock: " for no key update",
  skipLocked: " skip locked",
  shareLock: " for share",
  keyShareLock: " for key share",
  ascending: " asc nulls first",
  descending: " desc nulls last",
  isOneOf(expression, values) {
    if (values.length === 0) return { sql: "false", bindings: [] };
    return { sql: `${expression} = any(?::${arrayType(values)}[])`, bindings: [[...values]] };
  },
  // Its planner knows how many rows share a value.
  inOrder: (expression) => expression,
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
  isAway: (error) => isCausedBy(error, isAway),
};
