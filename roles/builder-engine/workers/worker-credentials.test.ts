import { createHash, randomBytes } from "node:crypto";
import { workersSlice } from "@multimaster/config";
import { hashPassword, type Logger, sealPasswordMd5, silentLog } from "@multimaster/core";
import { describe, expect, it } from "vitest";
import { PasswordChecks } from "./password-checks.ts";
import { WorkerCredentials } from "./worker-credentials.ts";

const md5 = (text: string) => createHash("md5").update(text).digest();

async function makeCredentials() {
  const logged: string[] = [];
  const log = { ...silentLog, warn: (text: string) => void logged.push(text) } as unknown as Logger;
  const key = randomBytes(32);
  const passwordHash = await hashPassword("second");
  const { workers } = workersSlice.parse({
    workers: [
      { name: "clear", password: "first" },
      { name: "hashed", passwordHash },
      { name: "sealed", passwordHash, passwordMd5Sealed: sealPasswordMd5(key, "sealed", "second") },
      { name: "moved", passwordHash, passwordMd5Sealed: sealPasswordMd5(key, "sealed", "second") },
      { name: "local", local: true },
    ],
  });
  return { credentials: new WorkerCredentials({ workers, sealingKey: key, log }), key, logged };
}

describe("the credentials of workers", () => {
  it("check a password in clear, or against its hash, and none of a worker that has none", async () => {
    const { credentials } = await makeCredentials();
    const check = async (name: string, password: string) => credentials.check(name, password);
    expect([await check("clear", "first"), await check("clear", "second")]).toEqual([true, false]);
    expect([await check("hashed", "second"), await check("hashed", "first")]).toEqual([true, false]);
    for (const name of ["local", "unknown", "__proto__"])
      for (const password of ["", "undefined"]) expect(await check(name, password)).toBe(false);
  });

  it("answer a worker that comes again from memory, right or wrong", async () => {
    const { credentials } = await makeCredentials();
    await credentials.check("hashed", "second");
    await credentials.check("hashed", "wrong");
    expect([credentials.check("hashed", "second"), credentials.check("hashed", "wrong")]).toEqual([true, false]);
  });

  it("give pb a digest only of what it can be made from, and say in the log why not", async () => {
    const { credentials, logged } = await makeCredentials();
    expect(credentials.passwordMd5Of("clear")).toEqual(md5("first"));
    expect(credentials.passwordMd5Of("sealed")).toEqual(md5("second"));
    for (const name of ["moved", "local", "unknown"]) expect(credentials.passwordMd5Of(name)).toBe(undefined);
    expect(logged).toEqual([]);
    expect(credentials.passwordMd5Of("hashed")).toBe(undefined);
    expect(logged).toEqual([
      expect.stringMatching(
        /^Worker hashed was refused: it uses pb, which cannot check a hash of its password. Add the passwordMd5Sealed/,
      ),
    ]);
  });
});

describe("workers that were added at run time", () => {
  const account = (name: string, secret: string, md5Sealed?: string) => ({
    accountid: 7,
    name,
    maxBuilds: 2,
    properties: { os: "linux" },
    options: {},
    md5Sealed,
    isSecret: (text: string) => text === secret,
  });

  it("log in with their secrets until they are accepted no more, and never under a name of the config", async () => {
    const { credentials } = await makeCredentials();
    credentials.accept([account("added", "secret"), account("clear", "secret")]);
    expect([credentials.check("added", "secret"), credentials.check("added", "first")]).toEqual([true, false]);
    expect([credentials.check("clear", "secret"), credentials.check("clear", "first")]).toEqual([false, true]);
    expect(credentials.find("added")).toMatchObject({ accountid: 7, config: { name: "added", maxBuilds: 2 } });
    expect(credentials.find("clear")?.accountid).toBe(undefined);
    credentials.accept([]);
    expect([credentials.check("added", "secret"), credentials.find("added")]).toEqual([false, undefined]);
  });

  it("use pb only if their digest was sealed with the cluster's key", async () => {
    const { credentials, key, logged } = await makeCredentials();
    const other = sealPasswordMd5(randomBytes(32), "other", "secret");
    const sealed = sealPasswordMd5(key, "sealed-one", "secret");
    credentials.accept([
      account("none", "secret"),
      account("other", "secret", other),
      account("sealed-one", "secret", sealed),
    ]);
    expect(credentials.passwordMd5Of("sealed-one")).toEqual(md5("secret"));
    expect([credentials.passwordMd5Of("none"), credentials.passwordMd5Of("other")]).toEqual([undefined, undefined]);
    expect(logged).toEqual(
      ["none", "other"].map((name) => expect.stringContaining(`Worker ${name} was refused: it uses pb`)),
    );
  });
});

describe("checks against hashes", () => {
  /** Checks that end when the test says so. */
  function makeChecks() {
    const open: (() => void)[] = [];
    let begun = 0;
    const checks = new PasswordChecks((password) => {
      begun += 1;
      return new Promise((resolve) => open.push(() => resolve(password === "right")));
    });
    const settle = async () => {
      for (let end = open.shift(); end !== undefined; end = open.shift()) {
        end();
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    return { checks, settle, begun: () => begun };
  }

  it("run once for a thousand workers' attempts with one password, and again for none of them", async () => {
    const { checks, settle, begun } = makeChecks();
    const verdicts = Array.from({ length: 1000 }, () => checks.check("right", "hash"));
    await settle();
    expect(new Set(await Promise.all(verdicts))).toEqual(new Set([true]));
    for (let n = 0; n < 1000; n += 1) expect(checks.check("right", "hash")).toBe(true);
    expect(begun()).toBe(1);
  });

  it("run two at a time, and refuse to queue without bound", async () => {
    const { checks, settle, begun } = makeChecks();
    const verdicts = Array.from({ length: 150 }, (_, n) => checks.check(`wrong ${n}`, "hash"));
    expect(begun()).toBe(2);
    expect(verdicts.filter((verdict) => verdict === "busy")).toHaveLength(50);
    await settle();
    expect((await Promise.all(verdicts)).filter((verdict) => verdict === false)).toHaveLength(100);
    const another = checks.check("right", "hash");
    await settle();
    expect(await another).toBe(true);
  });

  it("do not remember a check that failed to run", async () => {
    let tries = 0;
    const checks = new PasswordChecks(async () => {
      tries += 1;
      if (tries === 1) throw new Error("no memory");
      return true;
    });
    await expect(checks.check("p", "hash")).rejects.toThrow("no memory");
    expect(await checks.check("p", "hash")).toBe(true);
  });
});
