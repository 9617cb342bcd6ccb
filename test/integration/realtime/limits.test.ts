import { type Bus, createBus, type MessageHandler } from "@multimaster/bus";
import { hashPassword, silentLog } from "@multimaster/core";
import { liveTopics } from "@multimaster/data";
import { type Database, queryRows } from "@multimaster/database";
import password from "@multimaster/plugins/auth/password";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { Browser } from "../../harness/login-browser.ts";
import { connectListener } from "../../harness/realtime-client.ts";
import { seedRecorded } from "../../harness/rest-recordings.ts";
import { startRestServer } from "../../harness/rest-server.ts";
import { newDatabase } from "../../harness/test-databases.ts";

let database: Database;
beforeAll(async () => {
  database = await newDatabase("sqlite");
  await seedRecorded(database);
});

/** A bus that shows what is subscribed to at its router, and lets a stranger publish there. */
function createWatchedBus() {
  const { interest: _, ...inner } = createBus({ kind: "in-process" }, silentLog);
  const open = new Map<string, number>();
  const handlers = new Map<MessageHandler, readonly (string | null)[]>();
  let most = 0;
  const bus: Bus = {
    ...inner,
    state: "connected",
    async subscribe(pattern, handler) {
      const text = pattern.map((part) => part ?? "").join(".");
      open.set(text, (open.get(text) ?? 0) + 1);
      most = Math.max(most, open.size);
      handlers.set(handler, pattern);
      const subscription = await inner.subscribe(pattern, handler);
      return {
        async unsubscribe() {
          handlers.delete(handler);
          open.delete(text);
          await subscription.unsubscribe();
        },
      };
    },
  };
  const forge = async (key: string[], payload: object) => {
    for (const [handler, pattern] of handlers)
      if (pattern.length === key.length && pattern.every((part, i) => part === null || part === key[i]))
        await handler({ key, payload: payload as never }, "other");
  };
  return { bus, most: () => most, shapes: () => [...open.keys()], forge };
}

const shapes = new Set(liveTopics.map(({ shape }) => shape.map((part) => part ?? "").join(".")));

describe("a router", () => {
  it("sees one subscription per kind of topic, whatever anybody listens to", async () => {
    const watched = createWatchedBus();
    const { data } = await startRestServer(database, {}, undefined, watched.bus);
    const before = watched.most();
    const part = fc.oneof(
      fc.constantFrom("builds", "steps", "logs", "builders", "workers", "new", "*"),
      fc.nat().map(String),
      fc.string(),
    );
    const path = fc.oneof(
      fc.array(part, { minLength: 1, maxLength: 8 }),
      fc
        .constantFrom(...liveTopics)
        .chain(({ shape }) => fc.tuple(...shape.map((one) => (one === null ? part : fc.constant(one))))),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(path, { maxLength: 200 }), async (paths) => {
        for (const one of paths)
          data.live.watch(
            one.map((text) => (text === "*" ? null : text)),
            () => {},
          );
        expect(watched.shapes().filter((text) => !shapes.has(text))).toEqual([]);
      }),
      { numRuns: 100 },
    );
    for (let i = 0; i < 10_000; i++) data.live.watch(["builds", String(i), null], () => {});
    expect(data.live.patterns).toBeLessThanOrEqual(shapes.size);
    expect(watched.most() - before).toBeLessThanOrEqual(shapes.size);
  });

  it("is believed in nothing but the topic: browsers hear what the rows say", async () => {
    const watched = createWatchedBus();
    const { url, get } = await startRestServer(database, {}, undefined, watched.bus);
    const client = await connectListener(url);
    for (const path of ["*/*/*", "*/*/*/*", "*/*/*/*/*"]) await client.listen(path);
    const [build] = (await get("/api/v2/builds/3")).body.builds;
    const lie = { ...build, results: 0, complete: true, state_string: "all green", html: "<b>", properties: {} };
    await watched.forge(["builds", "3", "finished"], lie);
    await watched.forge(["builds", "3", "blown-up"], lie);
    // Of what is not there, and of what the message says is another one than its topic does, no one hears.
    await watched.forge(["builds", "999", "finished"], { ...lie, buildid: 3 });
    await watched.forge(["builders", "1", "builds", "77", "finished"], lie);
    await watched.forge(["control", "builds", "3", "stop"], { reason: "lie" });
    await queryRows(
      database,
      `insert into build_properties (buildid, name, value, source) values (3, 'colour', '"red"', 'Build')`,
    );
    await watched.forge(["builds", "3", "properties", "update"], { colour: ["green", "lie"], secret: ["x", "lie"] });
    await expect.poll(() => client.keys()).toHaveLength(3);
    expect(client.keys()).toEqual(["builds/3/finished", "builds/3/blown-up", "builds/3/properties/update"]);
    for (const { m } of client.frames.filter(({ k }) => k?.startsWith("builds/3/b") || k?.startsWith("builds/3/f")))
      expect(m).toEqual({ ...build, properties: expect.any(Object) });
    expect(client.frames.at(-1)?.m).toEqual({ colour: ["red", "Build"] });
  });
});

describe("who listens", () => {
  it("may listen to few paths without a login, to many with one, and to none that is nonsense", async () => {
    const users = { ann: { password: await hashPassword("right") } };
    const server = await startRestServer(database, { auth: password({ users }) });
    const anonymous = await connectListener(server.url);
    const browser = new Browser();
    await browser.logIn(server, "ann", "right");
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const ann = await connectListener(server.url, { cookie });
    for (const client of [anonymous, ann]) {
      for (const path of ["no/such/path", "builds/1/new/*/*/*", "x", "", "*/1", "builds//new", "control/builds/1/stop"])
        expect((await client.listen(path)).code, path).toBe(404);
      for (let i = 0; i < 300; i++) expect((await client.listen(`steps/${i}/*`)).code).toBe(200);
    }
    expect(await anonymous.listen("steps/300/*")).toMatchObject({
      code: 400,
      error: "too many paths on one connection",
    });
    expect((await ann.listen("steps/300/*")).code).toBe(200);
  });

  it("may name no more paths in the address of a stream than over a WebSocket", async () => {
    const { url } = await startRestServer(database);
    const abort = new AbortController();
    const listen = (count: number) => {
      const paths = Array.from({ length: count }, (_, i) => `path=steps/${i}/*`).join("&");
      return fetch(new URL(`/sse/listen?${paths}`, url), { signal: abort.signal });
    };
    expect((await listen(300)).status).toBe(200);
    expect((await listen(301)).status).toBe(400);
    abort.abort();
  });

  it("has so many connections of one address and no more, of whatever kind; another address has its own", async () => {
    const own = { listenersPerAddress: 3, trustedProxies: ["127.0.0.1"] };
    const { url } = await startRestServer(database, own);
    const from = (address: string) => ({ "X-Forwarded-For": `9.9.9.9, ${address}` });
    const clients = await Promise.all([1, 2].map(() => connectListener(url, from("192.0.2.1"))));
    const abort = new AbortController();
    const listen = (address: string) =>
      fetch(new URL("/sse/listen/builds/*/*", url), { headers: from(address), signal: abort.signal });
    expect((await listen("192.0.2.1")).status).toBe(200);
    expect((await listen("192.0.2.1")).status).toBe(503);
    await expect(connectListener(url, from("192.0.2.1"))).rejects.toThrow("503");
    await connectListener(url, from("192.0.2.2"));
    expect((await listen("192.0.2.2")).status).toBe(200);
    // A place that becomes free is taken again.
    clients[0]?.socket.terminate();
    await expect
      .poll(() =>
        connectListener(url, from("192.0.2.1")).then(
          () => true,
          () => false,
        ),
      )
      .toBe(true);
    abort.abort();
  });

  it.each(["_id", "cmd", "path"])(
    "is sent away, and no one else, when the %s of its command is nested by the thousand",
    async (name) => {
      const { url } = await startRestServer(database);
      const other = await connectListener(url);
      const client = await connectListener(url);
      const command = { _id: 1, cmd: "startConsuming", path: "builds/*/*", [name]: "DEEP" };
      const deep = "[".repeat(30_000) + "]".repeat(30_000);
      client.socket.send(JSON.stringify(command).replace('"DEEP"', deep));
      expect(await client.closed).toBe(1007);
      expect((await other.listen("builds/*/*")).code).toBe(200);
    },
  );

  it("is cut when it sends commands faster than anybody clicks", async () => {
    const { url } = await startRestServer(database);
    const client = await connectListener(url);
    for (let i = 0; i < 3_000; i++) client.socket.send(`{"cmd":"ping","_id":${i}}`);
    expect(await client.closed).toBe(1006);
    expect(client.frames.length).toBeLessThan(2_000);
  });
});
