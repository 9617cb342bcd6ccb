import { silentLog } from "@multimaster/core";
import {
  type Database,
  execute,
  openDatabase,
  queryRows,
  takeSessionLock,
  upgradeDatabase,
} from "@multimaster/database";
import { describe, expect, it } from "vitest";
import { onCleanup } from "../../harness/cleanup.ts";
import { startPgbouncer } from "../../harness/pgbouncer.ts";
import { sharedPostgres } from "../../harness/postgres.ts";

async function openThrough(mode: "session" | "transaction", more = "") {
  const url = await (await sharedPostgres()).createDatabase();
  const pooler = await startPgbouncer({ url, mode, poolSize: mode === "session" ? 20 : 3 });
  const open = async (): Promise<Database> => {
    const database = await openDatabase(`${pooler.url}${more}`, { log: silentLog, idleTransactionMs: 500 });
    onCleanup(() => database.close());
    return database;
  };
  return { open, pooler };
}

describe.each(["session", "transaction"] as const)("behind PgBouncer in %s mode", (mode) => {
  it("the schema is made, and statements that come again go to any session of the server", async () => {
    const { open, pooler } = await openThrough(mode);
    const [one, two] = [await open(), await open()];
    expect(one.pooling).toBe("transaction");
    await Promise.all([upgradeDatabase(one), upgradeDatabase(two)]);
    const asking = Array.from({ length: 120 }, (_, i) => {
      const database = i % 2 === 0 ? one : two;
      return i % 3 === 0
        ? queryRows<{ n: number }>(database, "select ?::integer + 1 as n", [i])
        : database.transaction((tx) => queryRows<{ n: number }>(tx, "select ?::integer + 1 as n", [i]));
    });
    expect((await Promise.all(asking)).map(([row]) => row?.n)).toEqual(asking.map((_, i) => i + 1));
    await pooler.kill();
    await pooler.start();
    expect(await one.transaction((tx) => queryRows(tx, "select ?::integer as n", [7]))).toEqual([{ n: 7 }]);
  });

  it("a transaction that falls silent is ended, one that only reads writes nothing, and a lock is one process's", async () => {
    const { open } = await openThrough(mode);
    const database = await open();
    await upgradeDatabase(database);
    let runs = 0;
    const silent = database.transaction(async (tx) => {
      runs += 1;
      await execute(tx, "update masters set active = 0 where id = ?", [1]);
      if (runs === 1) await new Promise((resolve) => setTimeout(resolve, 1500));
      return queryRows(tx, "select 1 as one");
    });
    expect(await silent).toEqual([{ one: 1 }]);
    expect(runs).toBe(2);
    await expect(
      database.snapshot((tx) => execute(tx, "update masters set active = 0 where id = ?", [1])),
    ).rejects.toThrow(/read-only/);
    const held = await takeSessionLock(database, "a test");
    expect(held).toBeDefined();
    expect(await takeSessionLock(database, "a test")).toBeUndefined();
    // Longer than the limit for silent transactions.
    await new Promise((resolve) => setTimeout(resolve, 800));
    expect(await takeSessionLock(database, "a test")).toBeUndefined();
    await held?.release();
    const again = await takeSessionLock(database, "a test");
    expect(again).toBeDefined();
    await again?.release();
  });
});

it("a pooler that keeps sessions, as the URL says, lets statements be prepared", async () => {
  const { open } = await openThrough("session", "?pooler=session");
  const database = await open();
  expect(database.pooling).toBe("session");
  for (let i = 0; i < 4; i++) expect(await queryRows(database, "select ?::integer as n", [i])).toEqual([{ n: i }]);
  const [prepared] = await queryRows<{ n: number }>(database, "select count(*) as n from pg_prepared_statements");
  expect(prepared?.n).toBeGreaterThan(0);
});

it("a URL that names another kind of pooler is refused", async () => {
  const { open } = await openThrough("session", "?pooler=statement");
  await expect(open()).rejects.toThrow("pooler=statement; it must be one of none, session, transaction");
});
