import { connect, createServer, type Socket } from "node:net";
import { isSameSecret, type Logger, silentLog, UserError } from "@multimaster/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { formatBasicAuth, parseBasicAuth } from "./basic-auth.ts";
import { encodeFrame, maxFrameBytes } from "./frames.ts";
import type { WorkerLink } from "./worker-link.ts";
import { checkHeader, createWorkerListener, type WorkerListener } from "./worker-listener.ts";

let listener: WorkerListener;
let links: WorkerLink[];
let logged: string[];
let ready: true | string;
let draining: boolean;

function makeListener(port: number, log: Logger): WorkerListener {
  return createWorkerListener({
    host: "127.0.0.1",
    port,
    log,
    isReady: () => ready,
    addressOf: ({ headers }) => String(headers["x-forwarded-for"] ?? ""),
    authenticate: (name, password) =>
      name === "slow"
        ? checkSlowly(password)
        : draining
          ? "draining"
          : name === "w1" && isSameSecret(password, "pass:wörd"),
    onWorker: (link) => void links.push(link),
  });
}

/** A check that takes a while, as against a hash; it fails for one password. */
async function checkSlowly(password: string): Promise<boolean> {
  await new Promise((resolve) => setTimeout(resolve, 20));
  if (password === "broken") throw new Error("no memory");
  return password === "right";
}

beforeEach(async () => {
  links = [];
  logged = [];
  ready = true;
  draining = false;
  const warn = (...args: unknown[]) => void logged.push(String(args.at(-1)));
  const log = { ...silentLog, info: warn, warn, error: warn } as unknown as Logger;
  listener = makeListener(0, log);
  await listener.start();
});

afterEach(() => listener.stop());

const url = (path = "/", scheme = "ws") => `${scheme}://127.0.0.1:${listener.address().port}${path}`;

/** Resolves with 101 or the status of the refusal. */
function upgrade(
  authorization?: string,
  path = "/",
  more: Record<string, string> = {},
): Promise<{ status: number; socket: WebSocket }> {
  const headers = { ...(authorization === undefined ? {} : { authorization }), ...more };
  const socket = new WebSocket(url(path), { headers });
  socket.on("error", () => undefined);
  return new Promise((resolve) => {
    socket.once("open", () => resolve({ status: 101, socket }));
    socket.once("unexpected-response", (_, response) => resolve({ status: response.statusCode ?? 0, socket }));
  });
}

async function enter(): Promise<WebSocket> {
  const { status, socket } = await upgrade(formatBasicAuth("w1", "pass:wörd"));
  expect(status).toBe(101);
  return socket;
}

const closeCode = (socket: WebSocket) => new Promise<number>((resolve) => socket.once("close", resolve));

/** What the server answers to raw bytes until it closes. */
function speak(bytes: Uint8Array | string): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect(listener.address().port, "127.0.0.1", () => socket.write(bytes));
    socket.on("data", (data) => (answer += data.toString()));
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(answer));
  });
}

describe("the worker port", () => {
  it("lets a worker in by name and password, on any path, without sub-protocol and extension", async () => {
    const { status, socket } = await upgrade(formatBasicAuth("w1", "pass:wörd"), "/worker/v1?x=1");
    expect(status).toBe(101);
    expect(socket.extensions).toBe("");
    expect(socket.protocol).toBe("");
    await expect.poll(() => links.map((link) => link.name)).toEqual(["w1"]);
    socket.close();
  });

  it("checks at most ten wrong passwords of a name from one address, and still serves other clients", async () => {
    const statuses: number[] = [];
    for (let n = 0; n < 15; n += 1) statuses.push((await upgrade(formatBasicAuth("w2", `guess ${n}`))).status);
    expect(statuses.slice(0, 10)).toEqual(Array(10).fill(401));
    expect(statuses.slice(10)).toEqual(Array(5).fill(429));
    expect(logged.at(-1)).toMatch(/without a password check/);
    (await enter()).terminate();
  });

  it("keeps a thousand connections that say nothing, and lets workers in beside them", async () => {
    const worker = await enter();
    const silent: Socket[] = [];
    let cut = 0;
    for (let n = 0; n < 1100; n += 1) {
      const socket = connect(listener.address().port, "127.0.0.1");
      socket.on("error", () => undefined).once("close", () => (cut += 1));
      await new Promise((resolve) => socket.once("connect", resolve));
      silent.push(socket);
    }
    await expect.poll(() => cut).toBe(100);
    const another = await enter();
    expect(worker.readyState).toBe(WebSocket.OPEN);
    for (const socket of silent) socket.destroy();
    for (const socket of [worker, another]) socket.terminate();
  });

  it("waits for a slow check, also for a worker that hangs up meanwhile", async () => {
    const attempt = async (password: string) => (await upgrade(formatBasicAuth("slow", password))).status;
    expect(await Promise.all(["right", "wrong", "broken"].map(attempt))).toEqual([101, 401, 503]);
    const gone = connect(listener.address().port, "127.0.0.1", () => {
      const headers = ["Host: x", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"];
      const authorization = formatBasicAuth("slow", "right");
      gone.write(
        `GET / HTTP/1.1\r\n${headers.join("\r\n")}\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: ${authorization}\r\n\r\n`,
      );
      setTimeout(() => gone.destroy(), 5);
    });
    await new Promise((resolve) => gone.once("close", resolve));
    expect(await attempt("right")).toBe(101);
  });

  it("admits a worker whose password is being guessed through the same balancer", async () => {
    for (let n = 0; n < 15; n += 1)
      await upgrade(formatBasicAuth("w1", `guess ${n}`), "/", { "x-forwarded-for": "203.0.113.9" });
    expect(logged.at(-1)).toMatch(/from 203\.0\.113\.9 .*without a password check/);
    const own = await upgrade(formatBasicAuth("w1", "pass:wörd"), "/", { "x-forwarded-for": "203.0.113.10" });
    expect(own.status).toBe(101);
    own.socket.terminate();
  });

  it.each([
    ["no credentials", undefined, 401],
    ["an unknown name", formatBasicAuth("w2", "pass:wörd"), 401],
    ["a wrong password", formatBasicAuth("w1", "pass"), 401],
    ["a malformed header", "Bearer x", 400],
    ["a header without a colon", `Basic ${Buffer.from("w1").toString("base64")}`, 400],
  ])("refuses %s", async (_, authorization, status) => {
    expect((await upgrade(authorization)).status).toBe(status);
    expect(logged).toHaveLength(1);
    expect(logged[0]).toMatch(/refused/);
    expect(logged[0]).not.toContain("pass:w");
  });

  it("logs a worker that keeps coming with a wrong password once", async () => {
    for (let n = 0; n < 5; n += 1) await upgrade(formatBasicAuth("w1", "wrong"));
    expect(logged).toHaveLength(1);
  });

  it("answers 503 while draining, so that a balancer tries the next master", async () => {
    draining = true;
    expect((await upgrade(formatBasicAuth("w1", "pass:wörd"))).status).toBe(503);
    expect(logged).toEqual([]);
  });

  it("reports to balancers whether it is ready", async () => {
    expect((await fetch(url("/ready", "http"))).status).toBe(200);
    ready = "the database is away";
    const answer = await fetch(url("/ready", "http"));
    expect([answer.status, await answer.text()]).toEqual([503, "the database is away\n"]);
    expect((await fetch(url("/health", "http"))).status).toBe(200);
    expect((await fetch(url("/", "http"))).status).toBe(404);
  });

  it("recognizes a client that does not speak HTTP, and names the likely cause", async () => {
    expect(await speak(Buffer.from([0x04, 0x82, 0x6e, 0x6f, 0x6e, 0x65, 0x00]))).toContain("400");
    expect(logged).toHaveLength(1);
    expect(logged[0]).toMatch(/does not speak HTTP.*--protocol=msgpack_experimental_v7/);
  });

  it.each([
    ["a frame that is no MessagePack", Buffer.from([0xc1, 0xff]), 1007],
    ["a truncated frame", encodeFrame({ op: "update", seq_number: 0, args: "long enough" }).subarray(0, 20), 1007],
    ["a list instead of a map", Buffer.from([0x90]), 1007],
    ["lists in lists without end", Buffer.concat([Buffer.from([0x81, 0xa1, 0x61]), Buffer.alloc(100_000, 0x91)]), 1007],
    ["a text message", "hello", 1003],
  ])("closes on %s, with one clear sentence", async (_, data, code) => {
    const socket = await enter();
    const closed = closeCode(socket);
    socket.send(data);
    expect(await closed).toBe(code);
    expect(logged).toHaveLength(1);
    expect(logged[0]).toMatch(/^worker w1: .*; the connection is closed$/);
    expect(logged[0]).not.toContain("at ");
  });

  it("closes on an oversized frame", async () => {
    const socket = await enter();
    const closed = closeCode(socket);
    socket.send(Buffer.alloc(maxFrameBytes + 1));
    expect(await closed).toBe(1009);
    await expect.poll(() => logged).toEqual(["worker w1: a message is larger than allowed; the connection is closed"]);
    expect((await links[0]?.closed)?.code).toBe(1009);
  });

  it("survives a WebSocket frame that is cut off by the end of the connection", async () => {
    const socket = await enter();
    const raw = (socket as unknown as { _socket: { write(bytes: Uint8Array): void; end(): void } })._socket;
    raw.write(Buffer.from([0x82, 0xfe, 0x10, 0x00, 1, 2, 3, 4, 5]));
    raw.end();
    expect((await links[0]?.closed)?.code).toBe(1006);
    await enter();
  });

  it("closes with 1001 when it stops, twice without harm", async () => {
    const socket = await enter();
    const closed = closeCode(socket);
    await Promise.all([listener.stop(), listener.stop()]);
    expect(await closed).toBe(1001);
    await expect(fetch(url("/ready", "http"))).rejects.toThrow();
  });

  it("says which port is taken", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => other.once("listening", resolve));
    const { port } = other.address() as { port: number };
    const second = makeListener(port, silentLog);
    const error = await second.start().catch((e: unknown) => e);
    expect(error).toBeInstanceOf(UserError);
    expect((error as UserError).message).toContain(`127.0.0.1:${port}`);
    await second.stop();
    other.close();
  });
});

const isLong = process.env["MULTIMASTER_LONG"] === "1";

describe("a slow peer", () => {
  it.runIf(isLong)(
    "that sends a byte now and then and never logs in is cut after ten seconds, with one line",
    async () => {
      const drip = connect(listener.address().port, "127.0.0.1");
      drip.on("error", () => undefined);
      const request = "GET / HTTP/1.1\r\nX-Padding: ";
      let at = 0;
      const timer = setInterval(() => drip.writable && drip.write(request[at++] ?? "x"), 300);
      await new Promise((resolve) => drip.once("close", resolve));
      clearInterval(timer);
      expect(logged).toHaveLength(1);
    },
  );
});

describe("a worker that has fallen silent", () => {
  const long = Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0x03, 0x93, 0x87, 0, 1, 2, 3, 4]);
  const ofMany = Buffer.from([0x02, 0x81, 1, 2, 3, 4, 0]);
  const oneMore = Buffer.from([0x00, 0x81, 1, 2, 3, 4, 0]);

  it.each([
    ["and answers nothing", undefined, undefined, "nothing was received"],
    [
      "in the middle of a frame of 60 MB, of which it sends a byte now and then",
      long,
      Buffer.from("x"),
      "nothing was received",
    ],
    ["in a message of many frames, and answers pings between them", ofMany, oneMore, "one message has not ended"],
  ])("%s is cut off, with one line", async (_, first, next, why) => {
    const lines: string[] = [];
    const warn = (...args: unknown[]) => void lines.push(String(args.at(-1)));
    const silent = createWorkerListener({
      host: "127.0.0.1",
      port: 0,
      log: { ...silentLog, warn } as unknown as Logger,
      isReady: () => true,
      authenticate: () => true,
      onWorker: (link) => void links.push(link),
      pingMs: 10,
      deadMs: first === ofMany ? 400 : 50,
    });
    await silent.start();
    const authorization = formatBasicAuth("w", "p");
    const socket = new WebSocket(`ws://127.0.0.1:${silent.address().port}`, {
      headers: { authorization },
      autoPong: first === ofMany,
    });
    socket.on("error", () => undefined);
    await expect.poll(() => links.length).toBe(1);
    const raw = (socket as unknown as { _socket: Socket })._socket;
    if (first) raw.write(first);
    const drip = setInterval(() => next && raw.writable && raw.write(next), 5);
    expect(await links[0]?.closed).toMatchObject({
      code: 1006,
      reason: expect.stringContaining(why),
    });
    clearInterval(drip);
    expect(lines).toEqual([expect.stringMatching(new RegExp(`^worker w: ${why} .*; the connection is cut$`))]);
    await silent.stop();
  });
});

it("keeps a worker that sends nothing but pongs, and messages now and then", async () => {
  const port = createWorkerListener({
    host: "127.0.0.1",
    port: 0,
    log: silentLog,
    isReady: () => true,
    authenticate: () => true,
    onWorker: (link) => void links.push(link),
    pingMs: 20,
    deadMs: 300,
  });
  await port.start();
  const socket = new WebSocket(`ws://127.0.0.1:${port.address().port}`, {
    headers: { authorization: formatBasicAuth("w", "p") },
  });
  await expect.poll(() => links.length).toBe(1);
  for (let n = 0; n < 2; n += 1) {
    await new Promise((resolve) => setTimeout(resolve, 400));
    socket.send(encodeFrame({ op: "response", seq_number: 99, result: null }));
  }
  expect(links[0]?.isOpen).toBe(true);
  await port.stop();
});

it("lets a check in, says so in one line, and sends it away", async () => {
  const { status, socket } = await upgrade(formatBasicAuth("w1", "pass:wörd"), "/", { [checkHeader]: "1" });
  expect([status, await closeCode(socket)]).toEqual([101, 1000]);
  expect(links).toEqual([]);
  expect(logged).toEqual(["a check of worker w1: its name and password are right"]);
  expect((await upgrade(formatBasicAuth("w1", "wrong"), "/", { [checkHeader]: "1" })).status).toBe(401);
});

describe("credentials", () => {
  it("are split at the first colon", () => {
    expect(parseBasicAuth(formatBasicAuth("w1", "pass:wörd"))).toEqual({ name: "w1", password: "pass:wörd" });
  });

  it("are compared whatever their lengths", () => {
    expect(isSameSecret("a", "a")).toBe(true);
    expect(isSameSecret("a", "ab")).toBe(false);
  });
});
