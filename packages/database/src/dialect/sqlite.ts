import type { Dialect } from "../dialect.ts";
import { codeOf, isCausedBy } from "./error-codes.ts";

// Held by another process for longer than anybody waits, or a disk that is full or does not answer.
const awayCodes = /^SQLITE_(BUSY|LOCKED|FULL|IOERR)/;

/** SQLite has one writer at a time and every transaction begins as a writer, so it needs no row locks. */
export const sqliteDialect: Dialect = {
  name: "sqlite",
  now: "unixepoch('subsec')",
  nowSeconds: "unixepoch()",
  upSince: "0",
  updateLock: "",
  noKeyUpdateLock: "",
  skipLocked: "",
  shareLock: "",
  keyShareLock: "",
  ascending: " asc nulls first",
  descending: " desc nulls last",
  isOneOf(expression, values) {
    if (values.length === 0) return { sql: "0", bindings: [] };
    return { sql: `${expression} in (select value from json_each(?))`, bindings: [JSON.stringify(values)] };
  },
  inOrder: (expression) => `+${expression}`,
  contains: (expression, text) => ({ sql: `instr(${expression}, ?) > 0`, bindings: [text] }),
  columnType(type) {
    if (typeof type === "object") return `VARCHAR(${type.varchar})`;
    return {
      serial: "INTEGER",
      integer: "INTEGER",
      smallint: "SMALLINT",
      double: "DOUBLE",
      text: "TEXT",
      bytes: "BLOB",
    }[type];
  },
  lockName: async () => {},
  isUniqueViolation: (error) => ["SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"].includes(codeOf(error)),
  isForeignKeyViolation: (error) => codeOf(error) === "SQLITE_CONSTRAINT_FOREIGNKEY",
  isRetryable: () => false,
  isAway: (error) =>
    isCausedBy(
      error,
      (cause) => awayCodes.test(codeOf(cause)) || /timeout acquiring a connection/i.test(cause.message),
    ),
};
