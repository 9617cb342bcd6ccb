import { describe, expect, it } from "vitest";
import { tooOld } from "./dialect/own-refusal.ts";
import { noteConnectionError } from "./dialect/postgresql-trouble.ts";
import { dialects } from "./dialect.ts";

const { postgresql, sqlite } = dialects;

function failure(code: string, message = "x", more: object = {}): Error {
  return Object.assign(new Error(message), { code, ...more });
}

/** What PostgreSQL, a pooler or the way to it may say, and whether it is the database that is at fault. */
const ofPostgresql: [code: string, trouble: "absent" | "refuses" | "statement", what: string][] = [
  ["ECONNREFUSED", "absent", "no server"],
  ["ECONNRESET", "absent", "the server went away"],
  ["EPIPE", "absent", "the server went away"],
  ["ENOTFOUND", "absent", "its name is gone"],
  ["08000", "absent", "connection exception"],
  ["08006", "absent", "connection failure"],
  ["08P01", "refuses", "a pooler: server login failed, query_wait_timeout"],
  ["25P03", "absent", "ended for its silence"],
  ["57P01", "absent", "admin shutdown"],
  ["57P03", "absent", "starting up"],
  ["57P05", "absent", "idle session"],
  ["25006", "refuses", "read-only"],
  ["25P04", "refuses", "transaction_timeout"],
  ["26000", "refuses", "a pooler: prepared statement does not exist"],
  ["42P05", "refuses", "a pooler: prepared statement already exists"],
  ["28000", "refuses", "nologin"],
  ["28P01", "refuses", "password"],
  ["3D000", "refuses", "database is being restored"],
  ["40001", "refuses", "serialization"],
  ["40P01", "refuses", "deadlock"],
  ["42501", "refuses", "grants are being redone"],
  ["42703", "refuses", "a column is gone"],
  ["42P01", "refuses", "another search_path, or a restore"],
  ["P0001", "refuses", "raised by a trigger of an administrator"],
  ["53000", "refuses", "resources"],
  ["53100", "refuses", "disk full"],
  ["53200", "refuses", "memory"],
  ["53300", "refuses", "connections"],
  ["55000", "refuses", "allow_connections false"],
  ["55006", "refuses", "object in use"],
  ["55P03", "refuses", "lock_timeout"],
  ["57014", "refuses", "statement_timeout"],
  ["58000", "refuses", "system error"],
  ["58030", "refuses", "I/O error"],
  ["58P01", "refuses", "a file is gone"],
  ["72000", "refuses", "snapshot too old"],
  ["F0001", "refuses", "lock file"],
  ["HV000", "refuses", "foreign data"],
  ["XX000", "refuses", "internal error"],
  ["XX001", "refuses", "data corrupted"],
  ["ZZ123", "refuses", "what no one has thought of"],
  ["0A000", "statement", "not supported"],
  ["21000", "statement", "cardinality"],
  ["22003", "statement", "out of range"],
  ["22021", "statement", "not in repertoire"],
  ["22P02", "statement", "text that is no number"],
  ["23503", "statement", "foreign key"],
  ["23505", "statement", "unique"],
  ["25P02", "statement", "after an error in the transaction"],
  ["42601", "statement", "syntax"],
  ["44000", "statement", "check option"],
  ["54000", "statement", "a row that is too large"],
  ["ENOENT", "statement", "another file that is missing"],
  ["EPERM", "statement", "another file"],
  ["ERR_INVALID_ARG_TYPE", "statement", "our mistake"],
];

const ofSqlite: [code: string, trouble: "refuses" | "statement"][] = [
  ["SQLITE_BUSY", "refuses"],
  ["SQLITE_BUSY_SNAPSHOT", "refuses"],
  ["SQLITE_LOCKED", "refuses"],
  ["SQLITE_FULL", "refuses"],
  ["SQLITE_IOERR", "refuses"],
  ["SQLITE_IOERR_WRITE", "refuses"],
  ["SQLITE_READONLY", "refuses"],
  ["SQLITE_READONLY_DBMOVED", "refuses"],
  ["SQLITE_PERM", "refuses"],
  ["SQLITE_CANTOPEN", "refuses"],
  ["SQLITE_CORRUPT", "refuses"],
  ["SQLITE_NOTADB", "refuses"],
  ["SQLITE_NOMEM", "refuses"],
  ["SQLITE_PROTOCOL", "refuses"],
  ["SQLITE_UNHEARD_OF", "refuses"],
  ["SQLITE_ERROR", "statement"],
  ["SQLITE_CONSTRAINT_UNIQUE", "statement"],
  ["SQLITE_CONSTRAINT_FOREIGNKEY", "statement"],
  ["SQLITE_MISMATCH", "statement"],
  ["SQLITE_TOOBIG", "statement"],
  ["SQLITE_RANGE", "statement"],
  ["ERR_INVALID_ARG_TYPE", "statement"],
];

describe("trouble of the database", () => {
  it.each(ofPostgresql)("PostgreSQL says %s: %s (%s)", (code, trouble) => {
    const error = failure(code);
    const kind = trouble === "statement" ? undefined : trouble;
    expect(postgresql.findTrouble(error)?.kind).toBe(kind);
    expect(postgresql.findTrouble(new Error("outer", { cause: error }))?.kind).toBe(kind);
    expect(postgresql.isAway(error)).toBe(kind !== undefined);
  });

  it("the trigger against releases that are too old is our own", () => {
    expect(postgresql.findTrouble(Object.assign(new Error(tooOld), { code: "P0001" }))).toBeUndefined();
  });

  it.each(ofSqlite)("SQLite says %s: %s", (code, trouble) => {
    const kind = trouble === "statement" ? undefined : trouble;
    expect(sqlite.findTrouble(failure(code))?.kind).toBe(kind);
    expect(sqlite.findTrouble(new Error("outer", { cause: failure(code) }))?.kind).toBe(kind);
  });

  it("has a reason of its own for what an operator can mend", () => {
    const reason = (code: string) => postgresql.findTrouble(failure(code))?.reason;
    expect(["25006", "53100", "53300", "28P01", "3D000", "42501", "55000", "57014", "58030"].map(reason)).toEqual([
      "it is read-only",
      "its disk is full",
      "it has no connection left",
      "it refuses the login of its user",
      "the database does not exist",
      "its user lacks a privilege",
      "it accepts no connections at present",
      "a statement took longer than its limit",
      "its disk reports errors",
    ]);
    expect(sqlite.findTrouble(failure("SQLITE_FULL"))?.reason).toBe("its disk is full");
    expect(sqlite.findTrouble(failure("SQLITE_READONLY"))?.reason).toBe("its file is read-only");
  });

  it("is also a server that accepts connections and does not greet, has no socket, or several addresses", () => {
    expect(postgresql.isAway(new Error("timeout expired"))).toBe(true);
    expect(postgresql.isAway(failure("ENOENT", "x", { syscall: "connect" }))).toBe(true);
    expect(postgresql.isAway(new AggregateError([failure("ECONNREFUSED"), failure("ECONNREFUSED")]))).toBe(true);
    expect(postgresql.isAway("no error at all")).toBe(false);
  });

  it("is whatever happens while a connection is opened", () => {
    const error = failure("DEPTH_ZERO_SELF_SIGNED_CERT", "self-signed certificate");
    expect(postgresql.isAway(error)).toBe(false);
    noteConnectionError(error);
    expect(postgresql.findTrouble(error)?.kind).toBe("absent");
  });

  it("is a statement that was planned before a table changed", () => {
    expect(postgresql.isAway(failure("0A000", "cached plan must not change result type"))).toBe(true);
  });

  it("is found however deep it lies, and a circle of causes ends", () => {
    const circle = new Error("a");
    circle.cause = new Error("b", { cause: circle });
    expect(postgresql.isAway(circle)).toBe(false);
    let deep: Error = failure("25006");
    for (let i = 0; i < 50; i++) deep = new Error(`outer ${i}`, { cause: deep });
    expect(postgresql.isAway(deep)).toBe(true);
  });
});
