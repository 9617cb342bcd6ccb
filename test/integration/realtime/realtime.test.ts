import { get, type IncomingMessage, request as openRequest } from "node:http";
import { type Bus, type BusState, createBus } from "@multimaster/bus";
import { silentLog } from "@multimaster/core";
import { buildrequests, builds, buildsets } from "@multimaster/data";
import { type Database, queryRows } from "@multimaster/database";
import { beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { onCleanup } from "../../harness/cleanup.ts";
import { connectListener } from "../../harness/realtime-client.ts";
import { recording, seedRecorded } from "../../harness/rest-recordings.ts";
import { type RestServer, startRestServer } from "../../harness/rest-server.ts";
import { newDatabase } from "../../harness/test-databases.ts";

let database: Database;
let server: RestServer;
beforeAll(async () => {
  database = await newDatabase("sqlite");
  await seedRecorded(database);
  server = await startRestServer(database, { listenersPerAddress: 2_000 });
});

describe("/ws", () => {
  it.each([
    [
      { cmd: "ping", _id: 1 },
      { msg: "pong", code: 200, _id: 1 },
    ],
    [
      { cmd: "ping", _id: "str" },
      { msg: "pong", code: 200, _id: "str" },
    ],
    [
      { cmd: "nosuch", _id: 2 },
      { code: 404, error: "no such command type 'nosuch'", _id: 2 },
    ],
    [{ _id: 3 }, { code: 400, _id: null }],
    [{ cmd: "ping" }, { code: 400, _id: null }],
    [
      { cmd: "ping", type: "x" },
      { code: 400, _id: null },
    ],
    [
      { cmd: "ping", _id: 4, extra: 1 },
      { code: 400, _id: 4 },
    ],
    [
      { cmd: "startConsuming", _id: 5 },
      { code: 400, _id: 5 },
    ],
    [
      { cmd: "startConsuming", _id: 6, path: ["a", "*"] },
      { code: 400, _id: 6 },
    ],
    [
      { cmd: "startConsuming", _id: 7, path: "no/such/path" },
      { error: "no event has such a path", code: 404, _id: 7 },
    ],
    [
      { cmd: "startConsuming", _id: 8, path: "a..b/ /#//" },
      { error: "no event has such a path", code: 404, _id: 8 },
    ],
    [
      // What Buildbot's clients listen to when they read builds/1/changes, of which there is no event.
      { cmd: "startConsuming", _id: 8, path: "builds/1/changes/*/*" },
      { msg: "OK", code: 200, _id: 8 },
    ],
    [
      { cmd: "stopConsuming", _id: 9, path: "never" },
      { code: 400, error: "path was not consumed 'never'", _id: 9 },
    ],
    [
      { cmd: "constructor", _id: 10 },
      { code: 404, _id: 10 },
    ],
    [[1], { code: 400, _id: null }],
  ])("answers %j as Buildbot does", async (frame, answer) => {
    const client = await connectListener(server.url);
    expect(await client.ask(frame)).toMatchObject(answer);
  });

  it("sends each event once for each path that matches, as long as the path is listened to", async () => {
    const client = await connectListener(server.url);
    for (const path of ["builds/*/*", "builds/3/finished", "*/*/*", "builders/*/builds/*/*", "builds/*/*"]) {
      expect(await client.listen(path)).toMatchObject({ msg: "OK", code: 200 });
    }
    await server.data.events.of(builds).finished([3]);
    await expect.poll(() => client.keys()).toHaveLength(4);
    expect(client.keys().toSorted()).toEqual([
      "builders/2/builds/2/finished",
      "builds/3/finished",
      "builds/3/finished",
      "builds/3/finished",
    ]);
    const [build] = (await server.get("/api/v2/builds/3")).body.builds;
    expect(client.frames.at(-1)?.m).toEqual({ ...build, properties: expect.any(Object) });

    for (const path of ["*/*/*", "builds/3/finished", "builders/*/builds/*/*"]) {
      await client.ask({ cmd: "stopConsuming", path, _id: 1 });
    }
    await server.data.events.of(builds).update([1]);
    await expect.poll(() => client.keys()).toHaveLength(5);
    expect(client.keys().at(-1)).toBe("builds/1/update");
  });

  it("serves a thousand at once: each hears each event once, in order", async () => {
    const clients = await Promise.all(Array.from({ length: 1000 }, () => connectListener(server.url)));
    const answers = await Promise.all(clients.map((client) => client.listen("builds/*/*")));
    expect(new Set(answers.map(({ code }) => code))).toEqual(new Set([200]));
    for (let n = 0; n < 20; n++) await server.data.events.of(builds)[n % 2 ? "update" : "finished"]([1 + (n % 3)]);
    const expected = Array.from({ length: 20 }, (_, n) => `builds/${1 + (n % 3)}/${n % 2 ? "update" : "finished"}`);
    await expect.poll(() => clients.every((client) => client.keys().length >= 20), { timeout: 60_000 }).toBe(true);
    for (const client of clients) expect(client.keys()).toEqual(expected);
    for (const { socket } of clients) socket.terminate();
  });

  it("uses one subscription of the bus for all who listen to the same", async () => {
    const { url, data } = await startRestServer(database);
    const before = data.live.patterns;
    const clients = await Promise.all([1, 2, 3].map(() => connectListener(url)));
    for (const client of clients) await client.listen("workers/*/*");
    expect(data.live.patterns).toBe(before + 1);
  });

  it("ends a connection that sends what is not JSON, and refuses other paths", async () => {
    const client = await connectListener(server.url);
    client.socket.send("{");
    expect(await client.closed).toBe(1007);
    const status = await new Promise((resolve) =>
      new WebSocket(server.url.replace("http", "ws"))
        .once("unexpected-response", (_, answer) => resolve(answer.statusCode))
        .on("error", () => {}),
    );
    expect(status).toBe(404);
  });

  it("lets no page of another origin in", async () => {
    await expect(connectListener(server.url, { origin: "https://elsewhere.example" })).rejects.toThrow("403");
    await connectListener(server.url, { origin: new URL(server.url).origin });
  });
});

describe("an event", () => {
  it("is the whole object, whatever the bus left out", async () => {
    const small = createBus({ kind: "in-process", maxPayload: 60 }, silentLog);
    const { data, url } = await startRestServer(database, {}, undefined, small);
    const client = await connectListener(url);
    for (const path of ["*/*/*", "builds/*/properties/*"]) await client.listen(path);
    await data.events.of(builds).finished([3]);
    await data.events.of(buildsets).complete([1]);
    await data.events.publishProperties(1, { long: ["x".repeat(100), "test"] });
    await expect.poll(() => client.frames.filter(({ k }) => k !== undefined)).toHaveLength(3);
    const m = (key: string) => client.frames.find(({ k }) => k === key)?.m;
    const { properties: _, ...build } = (await server.get("/api/v2/builds/3")).body.builds[0];
    expect(m("builds/3/finished")).toMatchObject(build);
    expect(m("buildsets/1/complete")).toEqual(recording("buildsets_1").body.buildsets[0]);
    expect(m("builds/1/properties/update")).toEqual(recording("builds_1_properties").body.properties[0]);
  });

  it("of a build has the properties that pages show, so that they do not vanish there", async () => {
    await queryRows(database, "delete from build_properties where buildid = 3 and name in ('branch', 'secret')");
    await queryRows(
      database,
      `insert into build_properties (buildid, name, value, source)
      values (3, 'branch', '"main"', 'Build'), (3, 'secret', '"s"', 'Build')`,
    );
    const client = await connectListener(server.url);
    await client.listen("builds/*/*");
    await server.data.events.of(builds).update([3]);
    await expect.poll(() => client.frames.at(-1)?.m?.properties).toMatchObject({ branch: ["main", "Build"] });
    expect(client.frames.at(-1)?.m.properties).not.toHaveProperty("secret");
  });

  it("carries the object even where Buildbot's masters send only ids, or nothing", async () => {
    const client = await connectListener(server.url);
    for (const path of ["builders/*/*", "buildrequests/*/*"]) await client.listen(path);
    await server.data.events.publishRaw(["builders", "1", "stopped"], { builderid: 1, masterid: 1, name: "x" });
    await server.data.events.of(buildrequests).cancel([1]);
    await expect.poll(() => client.keys()).toHaveLength(2);
    const heard = (key: string) => client.frames.find(({ k }) => k === key)?.m;
    const [builder] = recording("builders_1").body.builders;
    expect(heard("builders/1/stopped")).toEqual({ ...builder, masterid: 1 });
    expect(heard("buildrequests/1/cancel")).toMatchObject({ buildrequestid: 1, buildsetid: 1, builderid: 1 });
  });

  it("comes in order, however long its object takes to be read", async () => {
    const client = await connectListener(server.url);
    await client.listen("builders/*/*");
    for (const id of ["1", "2"]) {
      await server.data.events.publishRaw(["builders", id, "stopped"], null);
      await server.data.events.publishRaw(["builders", id, "whole"], {});
    }
    await expect.poll(() => client.keys()).toHaveLength(4);
    expect(client.keys()).toEqual(["builders/1/stopped", "builders/1/whole", "builders/2/stopped", "builders/2/whole"]);
  });
});

describe("who listens", () => {
  it("and then reads the rows misses nothing: the answer comes when the subscription is in place", async () => {
    let acknowledge = () => {};
    const bus = createBus({ kind: "in-process" }, silentLog);
    const { subscribe } = bus;
    bus.subscribe = async (...args) => {
      await new Promise<void>((resolve) => {
        acknowledge = resolve;
      });
      return subscribe.apply(bus, args);
    };
    const { url } = await startRestServer(database, {}, undefined, bus);
    const client = await connectListener(url);
    const listening = client.listen("builds/*/*");
    const second = await connectListener(url);
    const also = second.listen("builds/*/*");
    await second.ask({ cmd: "ping", _id: "p" });
    expect(client.frames).toEqual([]);
    acknowledge();
    expect([await listening, await also]).toEqual([expect.objectContaining({ code: 200 }), expect.anything()]);
  });

  it("is notified when events may be missing, and when to read the rows again", async () => {
    const listeners = new Set<(state: BusState) => void>();
    let state: BusState = "connected";
    const inner = createBus({ kind: "in-process" }, silentLog);
    const bus: Bus = {
      ...inner,
      get state() {
        return state;
      },
      get degradedSince() {
        return state === "connected" ? null : 7;
      },
      onState(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    };
    const turn = (to: BusState) => {
      state = to;
      for (const listener of listeners) listener(to);
    };
    const { url } = await startRestServer(database, {}, undefined, bus);
    const client = await connectListener(url);
    turn("degraded");
    await expect.poll(() => client.frames).toEqual([{ k: "bus/state", m: { state: "degraded", since: 7 } }]);
    const late = await connectListener(url);
    await expect.poll(() => late.frames).toHaveLength(1);
    turn("connected");
    await expect.poll(() => late.frames.at(-1)).toEqual({ k: "bus/state", m: { state: "connected", since: null } });
  });

  it("is sent to another master when this one is drained, and not let in again", async () => {
    const { url, drain } = await startRestServer(database);
    const clients = await Promise.all([1, 2, 3].map(() => connectListener(url)));
    await drain();
    expect(await Promise.all(clients.map((client) => client.closed))).toEqual([1012, 1012, 1012]);
    await expect(connectListener(url)).rejects.toThrow("503");
  });

  it("is notified when this master stops immediately", async () => {
    const { url, stop } = await startRestServer(database);
    const client = await connectListener(url);
    await stop();
    expect(await client.closed).toBe(1012);
  });
});

describe("/sse", () => {
  async function listen(path: string) {
    let text = "";
    const request = get(new URL(path, server.url));
    onCleanup(() => void request.destroy());
    const response = await new Promise<IncomingMessage>((resolve, reject) =>
      request.once("response", resolve).once("error", reject),
    );
    response.on("data", (piece) => {
      text += piece;
    });
    response.on("error", () => {});
    const uuid = async () => {
      await expect.poll(() => text).toMatch(/^event: handshake\ndata: [0-9a-f-]{36}\n\n/);
      return text.slice(23, 59);
    };
    return { uuid, text: () => text, headers: response.headers, end: () => request.destroy() };
  }

  it.each(["sse/listen/changes/*/new", "sse/changes/*/new", "sse/listen?path=changes/*/new"])(
    "greets at %s, then sends events with the key as a list",
    async (path) => {
      const stream = await listen(path);
      await stream.uuid();
      expect(stream.headers["content-type"]).toContain("text/event-stream");
      await server.data.events.publishRaw(["changes", "404", "new"], {});
      await server.data.events.publishRaw(["changes", "4", "other"], {});
      await server.data.events.publishRaw(["changes", "1", "new"], recording("changes_1").body.changes[0]);
      await expect.poll(stream.text).toContain('event: event\ndata: {"key":["changes","1","new"],"message":{');
      expect(stream.text()).not.toContain("other");
    },
  );

  it("listens to more and to less", async () => {
    const stream = await listen("sse/listen");
    const uuid = await stream.uuid();
    const answers = [];
    for (const path of [
      `add/${uuid}/builds/*`,
      `remove/${uuid}/b`,
      "add/none/a",
      "add",
      `remove/${uuid}/builds/*`,
      `remove/${uuid}/builds/*`,
    ]) {
      const { status, text } = await server.get(`/sse/${path}`);
      answers.push([status, text.trim()]);
    }
    expect(answers).toEqual([
      [200, "ok"],
      [404, "consumer is not listening to this event"],
      [400, "unknown uuid"],
      [400, "need uuid"],
      [200, "ok"],
      [404, "consumer is not listening to this event"],
    ]);
    stream.end();
    await expect.poll(async () => (await server.get(`/sse/add/${uuid}/a`)).status).toBe(400);
  });
});

it("a client that offers HTTP/2 is answered over HTTP/1.1, its body included", async () => {
  const answer = await new Promise<number | undefined>((resolve, reject) => {
    const request = openRequest(
      new URL("/change_hook/base", server.url),
      {
        method: "POST",
        headers: {
          Connection: "Upgrade, HTTP2-Settings",
          Upgrade: "h2c",
          "HTTP2-Settings": "AAMAAABk",
          "Content-Type": "application/x-www-form-urlencoded",
          "Content-Length": "33",
        },
      },
      (response) => resolve(response.resume().statusCode),
    );
    request.on("error", reject);
    request.end("author=a&comments=b&repository=rr");
  });
  expect(answer).toBe(202);
});
