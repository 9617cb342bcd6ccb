import { silentLog } from "@multimaster/core";
import { type Database, openDatabase, queryRows } from "@multimaster/database";
import { expect, it } from "vitest";
import { onCleanup } from "../../harness/cleanup.ts";
import { sharedPostgres } from "../../harness/postgres.ts";
import { startTcpProxy } from "../../harness/tcp-proxy.ts";

async function openThroughProxy(answerMs?: number) {
  const url = await (await sharedPostgres()).createDatabase();
  const proxy = await startTcpProxy({ target: url });
  const database = await openDatabase(proxy.url(url), {
    log: silentLog,
    ...(answerMs === undefined ? {} : { answerMs }),
  });
  onCleanup(() => database.close());
  const ask = (from: Database) => queryRows<{ one: number }>(from, "select 1 as one");
  await ask(database);
  return { proxy, database, ask };
}

const outcome = (asking: Promise<unknown>) =>
  asking.then(
    () => "answered",
    (error: unknown) => error,
  );

it("an answer that does not come in time breaks its connection, and the next statement has a new one", async () => {
  const { proxy, database, ask } = await openThroughProxy(1000);
  proxy.stall("toClient");
  const error = await outcome(ask(database));
  expect(database.dialect.isAway(error)).toBe(true);
  proxy.resume();
  expect(await ask(database)).toEqual([{ one: 1 }]);
});

it("a transaction whose statements come in time may take as long as it likes", async () => {
  const { database, ask } = await openThroughProxy(1000);
  const slow = database.transaction(async (tx) => {
    await queryRows(tx, "select pg_sleep(0.6)");
    await queryRows(tx, "select pg_sleep(0.6)");
    return queryRows<{ one: number }>(tx, "select 1 as one");
  });
  expect(await slow).toEqual([{ one: 1 }]);
  expect(await ask(database)).toEqual([{ one: 1 }]);
});

it("breaking all connections ends every wait immediately", async () => {
  const { proxy, database, ask } = await openThroughProxy();
  proxy.stall();
  const waiting = [outcome(ask(database)), outcome(ask(database)), outcome(database.sql.run("select 1"))];
  // The first uses the open connection; the others are being opened, and end by the time limit for that or by the cut.
  database.breakConnections();
  expect(database.dialect.isAway(await waiting[0])).toBe(true);
  proxy.resume();
  proxy.cut();
  await Promise.all(waiting);
  expect(await ask(database)).toEqual([{ one: 1 }]);
});
