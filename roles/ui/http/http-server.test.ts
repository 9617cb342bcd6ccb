import { Agent, createServer, get, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createHostCheck, silentLog, systemClock } from "@multimaster/core";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createReadiness } from "../health.ts";
import { createHttpServer } from "./http-server.ts";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

const realtime = { upgrade: () => {}, leave: async () => {}, resume: () => {}, end: async () => {} };

const isOwnHost = createHostCheck([]);
const maxConnectionsOf = () => 100;

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

async function start(handler: Handler, port = 0, sleep = systemClock.sleep) {
  let now = 0;
  const clock = { ...systemClock, now: () => now, sleep };
  const readiness = createReadiness({ ready: () => true, clock });
  const server = createHttpServer({
    host: "127.0.0.1",
    basePath: "/",
    isOwnHost,
    maxConnectionsOf,
    port,
    handler,
    realtime,
    readiness,
    clock,
    log: silentLog,
  });
  cleanups.push(() => server.stop());
  await server.start();
  const tick = (ms: number) => void (now += ms);
  return { server, readiness, tick };
}

const never = new AbortController().signal;

describe("the http server", () => {
  it("says in a sentence that its port is taken", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => other.once("listening", resolve));
    cleanups.push(() => new Promise((resolve) => other.close(resolve)));
    const { port } = other.address() as AddressInfo;
    await expect(start(() => {}, port)).rejects.toThrow(
      `The ui port 127.0.0.1:${port} is in use by another program; choose another.`,
    );
  });

  it("finishes the answers that are being sent, then ends", async () => {
    let finish = () => {};
    const { server } = await start((_request, response) => {
      response.write("begun, ");
      finish = () => response.end("done");
    });
    const answer = new Promise<string>((resolve, reject) => {
      get(server.url(), (response) => {
        let text = "";
        response.on("data", (piece) => {
          text += piece;
          if (text === "begun, ") void server.stop();
          if (text === "begun, ") finish();
        });
        response.on("end", () => resolve(text));
      }).on("error", reject);
    });
    expect(await answer).toBe("begun, done");
    await server.stop();
    await expect(fetch(server.url())).rejects.toThrow();
  });

  it("stops immediately if it never started, and can be stopped twice", async () => {
    const readiness = createReadiness({ ready: () => true, clock: systemClock });
    const server = createHttpServer({
      host: "127.0.0.1",
      basePath: "/",
      isOwnHost,
      maxConnectionsOf,
      port: 0,
      handler: () => {},
      realtime,
      readiness,
      clock: systemClock,
      log: silentLog,
    });
    await server.stop();
    await server.stop();
  });

  it("drains immediately when no one asks whether it is ready, and sends its clients elsewhere", async () => {
    const { server } = await start((_request, response) => response.end("ok"));
    const askConnection = (agent: Agent) =>
      new Promise((resolve, reject) => {
        get(server.url(), { agent }, (response) => resolve(response.resume().headers.connection)).on("error", reject);
      });
    expect(await askConnection(new Agent({ keepAlive: true }))).toBe("keep-alive");
    await server.drain?.(never);
    expect(server.ready?.()).toBe("draining");
    expect(await askConnection(new Agent({ keepAlive: true }))).toBe("close");
  });

  it("sends readers elsewhere before it closes its port, and goes on with writers until no one comes", async () => {
    const naps: (() => void)[] = [];
    const nap = () => new Promise<void>((resolve) => naps.push(resolve));
    const { server } = await start((_request, response) => response.end("ok"), 0, nap);
    const ask = async (method: string, path = "") => (await fetch(new URL(path, server.url()), { method })).status;
    let drained = false;
    const draining = server.drain?.(never).then(() => {
      drained = true;
    });
    for (let i = 0; i < 3; i++) {
      await vi.waitUntil(() => naps.length === 1);
      expect([await ask("POST"), await ask("GET"), await ask("GET", "health")]).toEqual([200, 503, 200]);
      expect(drained).toBe(false);
      naps.shift()?.();
    }
    await vi.waitUntil(() => naps.length === 1);
    naps.shift()?.();
    await draining;
  });

  it("serves until every load balancer has come back after three answers that it is not ready", async () => {
    const { server, readiness, tick } = await start((_request, response) => response.end("ok"));
    const ask = () => [readiness.ask("balancer 1"), readiness.ask("balancer 2")];
    expect(ask()).toEqual([true, true]);
    tick(10_000);
    expect(ask()).toEqual([true, true]);
    tick(5_000);
    let drained = false;
    const draining = server.drain?.(never).then(() => {
      drained = true;
    });
    expect(ask()).toEqual([["http server: draining"], ["http server: draining"]]);
    ask();
    ask();
    readiness.ask("balancer 1");
    expect((await fetch(server.url())).status).toBe(200);
    expect(drained).toBe(false);
    readiness.ask("balancer 2");
    await draining;
  });

  it.each([
    ["has asked only once", 1, 0],
    ["has stopped asking", 2, 60_000],
  ])("does not wait for a client that %s", async (_, times, silence) => {
    const { server, readiness, tick } = await start((_request, response) => response.end("ok"));
    for (let i = 0; i < times; i++, tick(10_000)) readiness.ask("balancer");
    tick(silence);
    await server.drain?.(never);
  });

  it("does not wait for the load balancer when the deadline has passed", async () => {
    const { server, readiness } = await start((_request, response) => response.end("ok"));
    readiness.ask("balancer");
    readiness.ask("balancer");
    await server.drain?.(AbortSignal.abort());
  });
});
