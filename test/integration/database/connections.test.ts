import { silentLog } from "@multimaster/core";
import { type Connection, type Database, openDatabase, queryRows } from "@multimaster/database";
import { expect, it } from "vitest";
import { onCleanup } from "../../harness/cleanup.ts";
import { sharedPostgres } from "../../harness/postgres.ts";
import { startTcpProxy } from "../../harness/tcp-proxy.ts";
import { waitFor } from "../../harness/wait-for.ts";

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

it("a connection is used again although another server was tried before its own", async () => {
  const url = await (await sharedPostgres()).createDatabase();
  const proxy = await startTcpProxy({ target: url });
  const both = url.replace(new URL(url).host, `127.0.0.1:${proxy.port},${new URL(url).host}`);
  const database = await openDatabase(both, { log: silentLog, poolSize: 1 });
  onCleanup(() => database.close());
  const session = () => queryRows<{ pid: number }>(database, "select pg_backend_pid() as pid");
  await session();
  await proxy.refuse();
  proxy.cut();
  await waitFor(() => proxy.counters.open === 0, { what: "the connection to be cut" });
  const [first, second] = [await session(), await session()];
  expect(second).toEqual(first);
});

it("a failed statement in a transaction does not end the preparing of statements", async () => {
  const url = await (await sharedPostgres()).createDatabase();
  const database = await openDatabase(url, { log: silentLog, poolSize: 1 });
  onCleanup(() => database.close());
  const statement = "select cast(? as int) + 4711 as sum";
  const add = (from: Connection) => queryRows(from, statement, [1]);
  // A statement has a name from its second time on.
  await add(database);
  const failing = database.transaction(async (tx) => {
    const asked = [queryRows(tx, "select 1 / cast(? as int)", [0]), add(tx), add(tx)];
    const answers = await Promise.allSettled(asked);
    throw new Error(answers.map((answer) => (answer.status === "rejected" ? answer.reason.code : "")).join());
  });
  // The last was sent as prepared, which the server had refused.
  await expect(failing).rejects.toThrow("22012,25P02,26000");
  await add(database);
  const prepared = await queryRows(database, "select 1 from pg_prepared_statements where statement like '%4711%'");
  expect(prepared).toHaveLength(1);
});
