import { describe, expect, it } from "vitest";
import { parseDatabaseUrl } from "./database-url.ts";
import { readHosts } from "./postgresql-hosts.ts";

/** Passwords as people choose them; each has a part that must show nowhere. */
const passwords = [
  "s@ec/r@et-tail",
  "sec/ret-tail",
  "12/ret-tail",
  "sec?ret-tail",
  "12?ret-tail",
  "sec#ret-tail",
  "12#ret-tail",
  "sec@ret-tail",
  "sec:ret-tail",
  "sec%ret-tail",
  "sec ret-tail",
  "sec&ret-tail=1",
  "sec[ret-tail",
  "@ret-tail",
  "/ret-tail",
  "?ret-tail",
  "#ret-tail",
  "s\\ret-tail",
  "пароль/ret-tail",
];

function said(url: string): string {
  try {
    return parseDatabaseUrl(url).describe;
  } catch (error) {
    return (error as Error).message;
  }
}

describe("what is said of a database URL", () => {
  it.each(passwords)("has nothing of the password %s, escaped or not", (password) => {
    for (const scheme of ["postgresql", "postgres", "mysql", "postgresq"]) {
      for (const written of [password, encodeURIComponent(password)]) {
        const sentence = said(`${scheme}://me:${written}@db.example/ci`);
        expect(sentence, written).not.toMatch(/tail|sec/);
      }
    }
    expect(said(`postgresql://me:${encodeURIComponent(password)}@db.example/ci`)).toBe("postgresql://me@db.example/ci");
  });

  it("has nothing of parameters, which may be passwords", () => {
    expect(said("postgresql://db.example/ci?user=me&password=ret-tail")).toBe("postgresql://db.example/ci");
    expect(said("postgresql://db.example:x/ci?password=ret-tail")).not.toContain("tail");
    expect(said("mysql://db.example/ci?password=ret-tail")).not.toContain("tail");
  });

  it("explains how to write a password that ends the host early", () => {
    expect(() => parseDatabaseUrl("postgresql://me:12/x@host/db")).toThrow(/write \/ as %2F/);
    expect(() => parseDatabaseUrl("postgresql://me:12#x@host/db")).toThrow(/# as %23/);
    // No port could be so.
    for (const password of ["a#b", "a?b", "a/b", "99999/b"])
      expect(() => parseDatabaseUrl(`postgresql://me:${password}@host/db`), password).toThrow(/write \/ as %2F/);
    expect(() => parseDatabaseUrl("postgresql://host:port/db")).toThrow(/is not a database URL/);
  });
});

describe("a database URL with several hosts", () => {
  it.each([
    ["postgresql://me@a:1,b:2/ci", ["postgresql://me@a:1/ci", "postgresql://me@b:2/ci"], "a:1,b:2"],
    ["postgres://a,[::1]:2/ci?target_session_attrs=any", ["postgres://a/ci", "postgres://[::1]:2/ci"], "a,[::1]:2"],
    ["postgresql:///ci?host=a,b&port=1,2", ["postgresql:///ci?host=a&port=1", "postgresql:///ci?host=b&port=2"], "a,b"],
    ["postgresql:///ci?host=a,b&port=1", ["postgresql:///ci?host=a&port=1", "postgresql:///ci?host=b&port=1"], "a,b"],
  ])("%s is read as libpq reads it", (url, urls, hosts) => {
    expect(readHosts(url)).toEqual({ urls, mustWrite: true });
    expect(said(url)).toMatch(new RegExp(`^postgresql://(me@)?${hosts.replace(/[[\]]/g, "\\$&")}/ci$`));
  });

  it("needs a server that takes writes, and one host does if it asks for that", () => {
    expect(readHosts("postgresql://a/ci").mustWrite).toBe(false);
    expect(readHosts("postgresql://a/ci?target_session_attrs=any").mustWrite).toBe(false);
    expect(readHosts("postgresql://a/ci?target_session_attrs=read-write")).toEqual({
      urls: ["postgresql://a/ci"],
      mustWrite: true,
    });
    expect(said("postgresql://a,b/ci?target_session_attrs=standby")).toMatch(/one of any, read-write, primary/);
  });

  it.each(passwords)("shows nothing of the password %s, escaped or not", (password) => {
    for (const written of [password, `x,${password}`, encodeURIComponent(password)])
      expect(said(`postgresql://me:${written}@a:1,b:2/ci`), written).not.toMatch(/tail|sec/);
  });

  it.each(["a,", ",b", "a,,b", "a:x,b", "a,b:99999"])("refuses the hosts %s", (hosts) => {
    expect(said(`postgresql://me@${hosts}/ci`)).toMatch(/is not a database URL/);
  });
});
