import type { Dialect } from "./dialect.ts";
import { codeOf } from "./error-codes.ts";
import { type DatabaseTrouble, findInCauses, refuses } from "./trouble.ts";

/** Wrong statements and values, and wrong use of the library. With every other code the database is at fault. */
const statementCodes =
  /^SQLITE_(ERROR|CONSTRAINT|MISMATCH|MISUSE|RANGE|TOOBIG|AUTH|NOTFOUND|EMPTY|FORMAT|OK|ROW|DONE|NOTICE|WARNING)(_|$)/;

const reasons: readonly (readonly [RegExp, string])[] = [
  [/^SQLITE_(BUSY|LOCKED|PROTOCOL)/, "its file is locked by another program"],
  [/^SQLITE_FULL/, "its disk is full"],
  [/^SQLITE_(READONLY|PERM)/, "its file is read-only"],
  [/^SQLITE_IOERR/, "its disk reports errors"],
  [/^SQLITE_CANTOPEN/, "its file cannot be opened"],
  [/^SQLITE_(CORRUPT|NOTADB)/, "its file is damaged"],
  [/^SQLITE_NOMEM/, "it has no memory left"],
];

function judgeSqlite(error: Error): DatabaseTrouble | undefined {
  const code = codeOf(error);
  if (/timeout acquiring a connection/i.test(error.message)) return refuses("it is busy");
  if (!code.startsWith("SQLITE_") || statementCodes.test(code)) return undefined;
  return refuses(reasons.find(([pattern]) => pattern.test(code))?.[1] ?? "it reports an internal error");
}

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
  rowsOf(types, rows) {
    const columns = types.map((_, i) => `value ->> ${i}`).join(", ");
    return { sql: `select ${columns} from json_each(?)`, bindings: [JSON.stringify(rows)] };
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
  // Its rows need the space themselves.
  spaceProbe: [],
  lockName: async () => {},
  isUniqueViolation: (error) => ["SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"].includes(codeOf(error)),
  isForeignKeyViolation: (error) => codeOf(error) === "SQLITE_CONSTRAINT_FOREIGNKEY",
  isRetryable: () => false,
  findTrouble: (error) => findInCauses(error, judgeSqlite),
  isAway: (error) => findInCauses(error, judgeSqlite) !== undefined,
};
