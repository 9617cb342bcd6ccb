import type { Dialect } from "./dialect.ts";
import { codeOf } from "./error-codes.ts";
import { judgePostgresql } from "./postgresql-trouble.ts";
import { findInCauses } from "./trouble.ts";

function arrayType(values: readonly (number | string)[]): string {
  if (typeof values[0] !== "number") return "text";
  if (!values.every((value) => Number.isInteger(value))) return "double precision";
  return values.every((value) => Math.abs(value as number) < 2 ** 31) ? "integer" : "bigint";
}

export const postgresqlDialect: Dialect = {
  name: "postgresql",
  // clock_timestamp, not now(): the latter stands still in a transaction, and an eviction may have waited for a lock in it.
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
  rowsOf(types, rows) {
    const columns = types.map((type) => `?::${type}[]`).join(", ");
    return { sql: `select * from unnest(${columns})`, bindings: types.map((_, i) => rows.map((row) => row[i])) };
  },
  // Its planner knows how many rows share a value.
  inOrder: (expression) => expression,
  contains: (expression, text) => ({ sql: `position(?::text in ${expression}) > 0`, bindings: [text] }),
  jsonOf: (expression) => `to_json(cast(${expression} as text))::text`,
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
  // More rows than fit into the memory they are given: the server writes them to a file, and forgets it.
  spaceProbe: ["set local work_mem = 64", "select count(*) from generate_series(1, 20000)"],
  async lockName(tx, name) {
    await tx.sql.run("select pg_advisory_xact_lock(hashtextextended(?, 0))", [`multimaster:${name}`]);
  },
  isUniqueViolation: (error) => codeOf(error) === "23505",
  isForeignKeyViolation: (error) => codeOf(error) === "23503",
  isRetryable: (error) => ["40001", "40P01"].includes(codeOf(error)),
  findTrouble: (error) => findInCauses(error, judgePostgresql),
  isAway: (error) => findInCauses(error, judgePostgresql) !== undefined,
};
