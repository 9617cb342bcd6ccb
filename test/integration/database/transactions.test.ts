import { silentLog } from "@multimaster/core";
import {
  type Database,
  execute,
  insertIgnore,
  openDatabase,
  queryRows,
  upgradeDatabase,
  upsert,
} from "@multimaster/database";
import { beforeEach, describe, expect, it } from "vitest";
import { onCleanup } from "../../harness/cleanup.ts";
import { startPostgres } from "../../harness/postgres.ts";
import { table } from "../../harness/table.ts";
import { engines, newDatabase, newDatabaseUrl, openTestDatabase } from "../../harness/test-databases.ts";
import { waitFor } from "../../harness/wait-for.ts";

const tag = (name: string) => ({ name, name_hash: name });
const tags = async (database: Database) =>
  (await table(database, "tags").orderBy("name").select("name")).map((row) => row.name);

describe.each(engines)("a transaction on %s", (engine) => {
  let database: Database;
  beforeEach(async () => {
    database = await newDatabase(engine);
  });

  it("is all or nothing", async () => {
    await database.transaction((tx) => table(tx, "tags").insert(tag("kept")));
    const failing = database.transaction(async (tx) => {
      await table(tx, "tags").insert(tag("dropped"));
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    expect(await tags(database)).toEqual(["kept"]);
  });

  it("refuses a query beside itself instead of waiting for ever", async () => {
    const beside = database.transaction(() => queryRows(database, "select 1"));
    await expect(beside).rejects.toThrow(/must go through the transaction's connection/);
    expect(await queryRows(database, "select 1 as one")).toEqual([{ one: 1 }]);
  });

  it("lets others run at the same time", async () => {
    await Promise.all(
      Array.from({ length: 30 }, (_, n) => database.transaction((tx) => table(tx, "tags").insert(tag(`t${n}`)))),
    );
    expect(await tags(database)).toHaveLength(30);
  });

  it("inserts what is not there yet, and updates what is", async () => {
    const first = await insertIgnore(database, {
      table: "tags",
      rows: [tag("a")],
      conflict: ["name_hash"],
      returning: ["id", "name"],
    });
    const again = await insertIgnore(database, {
      table: "tags",
      rows: [tag("a"), tag("b")],
      conflict: ["name_hash"],
      returning: ["name"],
    });
    expect([first.length, again]).toEqual([1, [{ name: "b" }]]);
    await upsert(database, { table: "tags", rows: [{ name: "A", name_hash: "a" }], key: ["name_hash"] });
    expect(await tags(database)).toEqual(["A", "b"]);
    const taken = await table(database, "tags")
      .insert(tag("b"))
      .then(
        () => undefined,
        (error: unknown) => error,
      );
    expect(database.dialect.isUniqueViolation(taken)).toBe(true);
  });

  it("returns whole numbers, bytes and the count of changed rows in the same types as the other engine", async () => {
    await table(database, "tags").insert(tag("a"), tag("b"));
    expect(await queryRows(database, "select count(*) as n, sum(id) as s from tags")).toEqual([{ n: 2, s: 3 }]);
    expect(await execute(database, "update tags set name = name || ?", ["!"])).toBe(2);
    const [{ now }] = (await queryRows<{ now: number }>(database, `select ${database.dialect.now} as now`)) as [
      { now: number },
    ];
    expect(Math.abs(now - Date.now() / 1000)).toBeLessThan(60);
  });
});

describe("a transaction on postgresql", () => {
  it("is run again when the server finds that it cannot be put in order with others", async () => {
    const database = await newDatabase("postgresql");
    let runs = 0;
    await database.transaction(async (tx) => {
      await table(tx, "tags").insert(tag("once"));
      if (++runs < 3) await tx.sql.run("do $$ begin raise exception 'again' using errcode = '40001'; end $$");
    });
    expect([runs, await tags(database)]).toEqual([3, ["once"]]);
  });

  it("is run again when its connection broke before the commit was sent", async () => {
    const database = await newDatabase("postgresql");
    let runs = 0;
    await database.transaction(async (tx) => {
      await table(tx, "tags").insert(tag("once"));
      if (++runs === 1) await tx.sql.run("select pg_terminate_backend(pg_backend_pid())");
    });
    expect([runs, await tags(database)]).toEqual([2, ["once"]]);
  });

  it("does not pass for committed when a statement in it failed unnoticed", async () => {
    const database = await newDatabase("postgresql");
    const careless = database.transaction(async (tx) => {
      await table(tx, "tags").insert(tag("lost"));
      await tx.sql.run("select no_such_column").catch(() => {});
    });
    await expect(careless).rejects.toThrow(/had failed before its commit/);
    expect(await tags(database)).toEqual([]);
  });

  it("that falls silent is ended by the server, so that a frozen master holds no lock", async () => {
    const url = await newDatabaseUrl("postgresql");
    const database = await openDatabase(url, { log: silentLog, idleTransactionMs: 300 });
    onCleanup(() => database.close());
    let proceed = () => {};
    let runs = 0;
    const silent = database.transaction(async (tx) => {
      await tx.sql.run("select pg_advisory_xact_lock(1)");
      if (++runs === 1) await new Promise<void>((resolve) => (proceed = resolve));
      return (await tx.sql.run("select 'done' as word")).rows[0]?.word as string;
    });
    await waitFor(() => runs === 1, { what: "the transaction to begin" });
    await waitFor(
      async () => (await queryRows(database, "select 1 from pg_locks where locktype = 'advisory'")).length === 0,
      {
        what: "the server to end it",
      },
    );
    proceed();
    expect([await silent, runs]).toEqual(["done", 2]);
  });
});

describe.each(engines)("a snapshot on %s", (engine) => {
  it("shows one state of the rows, whatever is written meanwhile, and keeps no one from writing", async () => {
    const url = await newDatabaseUrl(engine);
    const [reader, writer] = [await openTestDatabase(url), await openTestDatabase(url)];
    await upgradeDatabase(writer);
    await table(writer, "tags").insert(tag("before"));
    const seen = await reader.snapshot(async (tx) => {
      const first = await queryRows(tx, "select name from tags");
      await writer.transaction((other) => table(other, "tags").insert(tag("meanwhile")));
      return [first, await queryRows(tx, "select name from tags")];
    });
    expect(seen).toEqual([[{ name: "before" }], [{ name: "before" }]]);
    expect(await tags(reader)).toEqual(["before", "meanwhile"]);
  });
});

it("a snapshot on postgresql refuses to write", async () => {
  const database = await newDatabase("postgresql");
  await expect(database.snapshot((tx) => table(tx, "tags").insert(tag("no")))).rejects.toThrow(/read-only transaction/);
});

describe("a PostgreSQL server", () => {
  it("may be restarted under an open database", async () => {
    const postgres = await startPostgres();
    const database = await openDatabase(await postgres.createDatabase(), { log: silentLog });
    onCleanup(() => database.close());
    await queryRows(database, "create table words (word text)");
    await postgres.restart("immediate");
    await database.transaction((tx) => table(tx, "words").insert({ word: "after" }));
    expect(await queryRows(database, "select word from words")).toEqual([{ word: "after" }]);
  });

  it("that cannot be used is explained in a sentence, without the password", async () => {
    const url = new URL(await newDatabaseUrl("postgresql"));
    const open = (change: (changed: URL) => void) => {
      const changed = new URL(url);
      change(changed);
      return openDatabase(changed.href, { log: silentLog });
    };
    await expect(open((u) => (u.pathname = "/nothing"))).rejects.toThrow(
      /cannot be reached: database "nothing" does not exist\.$/,
    );
    await expect(open((u) => (u.username = "nobody"))).rejects.toThrow(/role "nobody" does not exist/);
    const closed = await open((u) => {
      u.port = "1";
      u.password = "secret";
    }).then(
      () => "",
      (error: Error) => error.message,
    );
    expect(closed).toBe(
      `The database postgresql://postgres@127.0.0.1:1${url.pathname} cannot be reached: connection refused.`,
    );
    await expect(openDatabase("mysql://me:secret@host/db", { log: silentLog })).rejects.toThrow(
      /^"mysql:\/\/me:\(hidden\)@host\/db" is not a database URL/,
    );
    await expect(openDatabase("sqlite:", { log: silentLog })).rejects.toThrow(/is not a database URL/);
    await expect(openDatabase("sqlite:/nowhere/at/all.sqlite", { log: silentLog })).rejects.toThrow(
      /cannot be reached/,
    );
  });
});

describe("threads that share a SQLite file", () => {
  /** A master's thread: connections of its own. */
  async function openTwice(): Promise<[Database, Database]> {
    const url = await newDatabaseUrl("sqlite");
    const open = async (known?: { pooling: "none"; exclusive: boolean }) => {
      const database = await openDatabase(url, { log: silentLog, sqliteConnections: 4, ...(known ? { known } : {}) });
      onCleanup(() => database.close());
      return database;
    };
    const first = await open();
    await upgradeDatabase(first);
    return [first, await open({ pooling: "none", exclusive: true })];
  }

  it("never leave a write transaction open over a turn of the event loop", async () => {
    const [database] = await openTwice();
    let open = 0;
    let seen = 0;
    let turns = 0;
    let going = true;
    const look = () => {
      turns += 1;
      seen = Math.max(seen, open);
      if (going) setImmediate(look);
    };
    setImmediate(look);
    const write = async (n: number) => {
      await database.transaction(async (tx) => {
        open += 1;
        await table(tx, "tags").insert(tag(`t${n}`));
        await queryRows(tx, "select count(*) from tags");
        await insertIgnore(tx, { table: "tags", rows: [tag(`t${n}`), tag(`u${n}`)], conflict: ["name_hash"] });
        open -= 1;
      });
      await queryRows(database, "select count(*) from tags");
    };
    for (let round = 0; round < 20; round++) {
      await Promise.all(Array.from({ length: 10 }, (_, n) => write(round * 10 + n)));
      await new Promise(setImmediate);
    }
    going = false;
    expect(turns).toBeGreaterThan(10);
    expect(seen).toBe(0);
  });

  it("wait for each other's writes without holding up reads, or the event loop", async () => {
    const [blocking, waiting] = await openTwice();
    let isWritten = false;
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    let hasBegun = () => {};
    const begun = new Promise<void>((resolve) => (hasBegun = resolve));
    const holder = blocking.transaction(async (tx) => {
      await table(tx, "tags").insert(tag("held"));
      hasBegun();
      await held;
    });
    await begun;
    const writes = Array.from({ length: 10 }, (_, n) =>
      waiting.transaction((tx) => table(tx, "tags").insert(tag(`w${n}`))).then(() => (isWritten = true)),
    );
    // More reads than there are connections.
    for (let n = 0; n < 20; n++) expect(await tags(waiting)).toEqual([]);
    expect(isWritten).toBe(false);
    release();
    await Promise.all([holder, ...writes]);
    expect(await tags(waiting)).toHaveLength(11);
  });
});
