import { describe, expect, it } from "vitest";
import { dialects } from "./dialect.ts";

describe("a database that is away", () => {
  it.each([
    ["57P01", true],
    ["57P03", true],
    ["08006", true],
    ["40001", true],
    ["53300", true],
    ["25P03", true],
    ["ECONNRESET", true],
    ["23505", false],
    ["42P01", false],
    ["28P01", false],
    ["ENOENT", false],
  ])("PostgreSQL says %s", (code, away) => {
    const error = Object.assign(new Error("x"), { code });
    expect(dialects.postgresql.isAway(error)).toBe(away);
    expect(dialects.postgresql.isAway(new Error("outer", { cause: error }))).toBe(away);
  });

  it.each([
    ["SQLITE_BUSY", true],
    ["SQLITE_FULL", true],
    ["SQLITE_IOERR_WRITE", true],
    ["SQLITE_CONSTRAINT_UNIQUE", false],
    ["SQLITE_ERROR", false],
  ])("SQLite says %s", (code, away) => {
    expect(dialects.sqlite.isAway(Object.assign(new Error("x"), { code }))).toBe(away);
  });

  it("is also a server that accepts connections and does not greet, or has no socket", () => {
    expect(dialects.postgresql.isAway(new Error("timeout expired"))).toBe(true);
    expect(dialects.postgresql.isAway(Object.assign(new Error("x"), { code: "ENOENT", syscall: "connect" }))).toBe(
      true,
    );
    expect(dialects.postgresql.isAway("no error at all")).toBe(false);
  });
});
