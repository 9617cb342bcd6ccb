import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { ConnectionPool } from "./connection-pool.ts";
import type { PooledConnection } from "./pooled-connection.ts";

interface FakeConnection extends PooledConnection {
  isSpoilt: boolean;
  isClosed: boolean;
}

function fakeConnection(): FakeConnection {
  const connection = {
    isSpoilt: false,
    isClosed: false,
    run: async () => ({ rows: [], count: 0 }),
    begin: async () => {},
    commit: async () => {},
    rollback: async () => {},
    close: async () => {
      connection.isClosed = true;
    },
  };
  return connection;
}

function startPool({ max = 2, keep = 0, acquireMs = 60_000, idleMs = 60_000, failures = [] as Error[] } = {}) {
  const opened: FakeConnection[] = [];
  const open = async () => {
    await sleep(1);
    const failure = failures.shift();
    if (failure) throw failure;
    const connection = fakeConnection();
    opened.push(connection);
    return connection;
  };
  return { pool: new ConnectionPool({ max, keep, acquireMs, idleMs, open }), opened };
}

it("opens as many connections as are needed, up to its limit, and serves those who wait in order", async () => {
  const { pool, opened } = startPool();
  const first = await pool.acquire();
  const order: number[] = [];
  const waiting = [1, 2, 3].map(async (n) => {
    const connection = await pool.acquire();
    order.push(n);
    await sleep(1);
    pool.release(connection);
  });
  await sleep(5);
  pool.release(first);
  await Promise.all(waiting);
  expect([opened.length, order]).toEqual([2, [1, 2, 3]]);
  await pool.close();
  expect(opened.every(({ isClosed }) => isClosed)).toBe(true);
});

it("an error of opening is that of who waits first, and the next one gets another attempt", async () => {
  const { pool } = startPool({ max: 1, failures: [new Error("no server")] });
  const [first, second] = await Promise.allSettled([pool.acquire(), pool.acquire()]);
  expect([first.status, second.status]).toEqual(["rejected", "fulfilled"]);
});

it("does not lend a spoilt connection again, neither one that is released nor one that was idle", async () => {
  const { pool, opened } = startPool({ max: 1 });
  const first = await pool.acquire();
  const next = pool.acquire();
  first.isSpoilt = true;
  pool.release(first);
  const second = await next;
  expect(opened.indexOf(second)).toBe(1);
  pool.release(second);
  second.isSpoilt = true;
  expect(opened.indexOf(await pool.acquire())).toBe(2);
  expect(opened.map(({ isClosed }) => isClosed)).toEqual([true, true, false]);
});

it("who waits for too long gets an error, and takes no connection later", async () => {
  const { pool, opened } = startPool({ max: 1, acquireMs: 20 });
  const first = await pool.acquire();
  await expect(pool.acquire()).rejects.toThrow("Timeout acquiring a connection: 1 of 1 are in use.");
  pool.release(first);
  expect(await pool.acquire()).toBe(first);
  expect(opened).toHaveLength(1);
});

it("closes connections that stay idle, but those that it keeps", async () => {
  const { pool, opened } = startPool({ keep: 1, idleMs: 10 });
  const lent = await Promise.all([pool.acquire(), pool.acquire()]);
  for (const connection of lent) pool.release(connection);
  await expect.poll(() => opened.filter(({ isClosed }) => isClosed).length).toBe(1);
  await sleep(30);
  expect(opened.filter(({ isClosed }) => isClosed)).toHaveLength(1);
  await pool.close();
});

it("closing refuses those who wait, and waits for the connections in use", async () => {
  const { pool, opened } = startPool({ max: 1 });
  const lent = await pool.acquire();
  const waiting = pool.acquire();
  let isClosed = false;
  const closing = pool.close().then(() => (isClosed = true));
  await expect(waiting).rejects.toThrow("has been closed");
  await sleep(5);
  expect(isClosed).toBe(false);
  pool.release(lent);
  await closing;
  expect(opened[0]?.isClosed).toBe(true);
  await expect(pool.acquire()).rejects.toThrow("has been closed");
});
