import { createServer, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { systemClock, UserError } from "@multimaster/core";
import { afterEach, expect, it } from "vitest";
import { createBodyReader } from "./read-body.ts";

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** A server that holds each answer until the test releases it. */
async function start(maxInFlight: number, intervalMs = 10_000) {
  const maxOfShare = 60_000;
  const limits = { maxInFlight, maxOfShare, minBytesPerSecond: 1_000, intervalMs, clock: systemClock };
  const readBody = createBodyReader(limits);
  const held: ServerResponse[] = [];
  const server = createServer((req, res) => {
    readBody({ req, res }, 100_000, req.headers["x-share"]?.toString()).then(
      () => held.push(res),
      (error: unknown) => res.writeHead(error instanceof UserError ? error.status : 500).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ends.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const post = (share?: string) => {
    const headers = share === undefined ? {} : { "X-Share": share };
    const sent = request({ port, method: "POST", agent: false, headers });
    const status = new Promise<number>((resolve) => {
      sent.once("response", (response) => resolve(response.resume().statusCode ?? 0));
      sent.once("error", () => resolve(0));
    });
    return { sent, status };
  };
  return { post, held };
}

it("takes no more memory for all bodies together than it may, and takes new ones when others are answered", async () => {
  const { post, held } = await start(150_000);
  const first = post();
  first.sent.end(Buffer.alloc(90_000));
  await expect.poll(() => held.length).toBe(1);
  const second = post();
  second.sent.end(Buffer.alloc(90_000));
  expect(await second.status).toBe(503);
  held[0]?.end();
  expect(await first.status).toBe(200);
  const third = post();
  third.sent.end(Buffer.alloc(90_000));
  await expect.poll(() => held.length).toBe(2);
});

it("takes of one share no more than that may have, and of another one all the same", async () => {
  const { post, held } = await start(150_000);
  post("a").sent.end(Buffer.alloc(50_000));
  await expect.poll(() => held.length).toBe(1);
  const more = post("a");
  more.sent.end(Buffer.alloc(50_000));
  expect(await more.status).toBe(503);
  post("b").sent.end(Buffer.alloc(50_000));
  await expect.poll(() => held.length).toBe(2);
  held[0]?.end();
  post("a").sent.end(Buffer.alloc(50_000));
  await expect.poll(() => held.length).toBe(3);
});

it("cuts the oldest slow body of the network with the most when there is no memory for more, and no one else's", async () => {
  const { post, held } = await start(200_000);
  const begin = (share: string, bytes: number) => {
    const exchange = post(share);
    const state = { ...exchange, answer: 0 };
    void exchange.status.then((status) => {
      state.answer = status;
    });
    exchange.sent.write(Buffer.alloc(bytes));
    return state;
  };
  const mine = [begin("192.0.2.1", 30_000)];
  const flood: ReturnType<typeof begin>[] = [];
  for (let i = 1; i <= 7; i++) {
    await new Promise((resolve) => setTimeout(resolve, 30));
    flood.push(begin(`10.0.${i}.1`, 50_000));
  }
  mine.push(begin("198.51.100.1", 30_000));
  await expect.poll(() => flood.filter(({ answer }) => answer === 503).length).toBe(5);
  expect(flood.map(({ answer }) => answer)).toEqual([503, 503, 503, 503, 503, 0, 0]);
  for (const { sent } of mine) sent.end(Buffer.alloc(20_000));
  await expect.poll(() => held.length).toBe(2);
  expect(mine.map(({ answer }) => answer)).toEqual([0, 0]);
});

it("releases what a client held that went away", async () => {
  const { post, held } = await start(100_000);
  for (let i = 0; i < 5; i++) {
    const { sent } = post();
    sent.on("error", () => {});
    sent.write(Buffer.alloc(90_000));
    await new Promise((resolve) => setTimeout(resolve, 20));
    sent.destroy();
  }
  await expect
    .poll(async () => {
      const { sent, status } = post();
      sent.end(Buffer.alloc(90_000));
      return Promise.race([status, new Promise((resolve) => setTimeout(() => resolve(held.length), 200))]);
    })
    .toBe(1);
});

it("cuts a body that comes in drops, and lets a slow one come that keeps a pace", async () => {
  const { post, held } = await start(100_000, 200);
  const drops = post();
  const slow = post();
  const timer = setInterval(() => {
    drops.sent.write("x");
    slow.sent.write(Buffer.alloc(1_000));
  }, 50);
  expect(await drops.status).toBe(408);
  clearInterval(timer);
  slow.sent.end();
  await expect.poll(() => held.length).toBe(1);
});

it("refuses a body that is too long, whether it says so or not", async () => {
  const { post } = await start(1_000_000);
  const told = post();
  told.sent.end(Buffer.alloc(200_000));
  const untold = post();
  untold.sent.write(Buffer.alloc(50_000));
  untold.sent.write(Buffer.alloc(150_000));
  expect(await Promise.all([told.status, untold.status])).toEqual([413, 413]);
});
