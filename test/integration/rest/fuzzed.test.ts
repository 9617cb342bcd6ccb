import { once } from "node:events";
import { request } from "node:http";
import { connect } from "node:net";
import { hashPassword } from "@multimaster/core";
import { type Database, queryRows } from "@multimaster/database";
import openIdConnect from "@multimaster/plugins/auth/openid-connect";
import password from "@multimaster/plugins/auth/password";
import base from "@multimaster/plugins/hooks/base";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { deliver, type Forge, forges, secret } from "../../harness/deliver-hook.ts";
import * as payloads from "../../harness/hook-payloads.ts";
import { Browser } from "../../harness/login-browser.ts";
import { client, startProvider } from "../../harness/login-provider.ts";
import { isLong } from "../../harness/long-form.ts";
import { connectListener } from "../../harness/realtime-client.ts";
import { seedRecorded } from "../../harness/rest-recordings.ts";
import { type RestServer, startRestServer } from "../../harness/rest-server.ts";
import { engines, newDatabase } from "../../harness/test-databases.ts";
import { nasty, nastyPart, nastyText, spoil } from "./fuzzed-values.ts";

const seed = 20261124;
const runs = (short: number) => ({ seed, numRuns: isLong ? short * 10 : short });

const events: Readonly<Record<Forge, readonly (readonly [event: string, payload: unknown])[]>> = {
  github: [
    ["push", payloads.ghPush()],
    ["pull_request", payloads.ghPull()],
  ],
  gitlab: [
    ["Push Hook", payloads.glPush()],
    ["Merge Request Hook", payloads.glMerge()],
  ],
  gitea: [
    ["push", payloads.giteaPush()],
    ["pull_request", payloads.giteaPull()],
  ],
  bitbucketcloud: [
    ["repo:push", payloads.cloudPush([{ new: payloads.cloudBranch("main", 1) }])],
    ["pullrequest:created", payloads.cloudPull()],
  ],
  bitbucketserver: [
    ["repo:refs_changed", payloads.serverPush([payloads.serverChange("main", 1)])],
    ["pr:opened", payloads.serverPull("pr:opened")],
  ],
  gerrit: [
    ["", payloads.gerritPatchSet()],
    ["", payloads.gerritRefUpdated()],
  ],
};

/** Actions of each kind, with what they may be given. */
const calls: readonly (readonly [path: string, method: string, names: readonly string[]])[] = [
  ["changes", "add", ["author", "comments", "files", "properties", "when_timestamp", "branch", "delivery", "revlink"]],
  ["forceschedulers/force", "force", ["builderid", "builderNames", "reason", "username", "priority", "branch"]],
  ["builds/1", "stop", ["reason", "wait"]],
  ["builds/1", "rebuild", ["reason"]],
  ["buildrequests/1", "set_priority", ["priority"]],
  ["buildrequests/1", "cancel", ["reason", "wait"]],
  ["workers/1", "pause", ["reason"]],
  ["workers/1", "unpause", ["reason"]],
  ["workers/1", "kill", ["reason", "wait"]],
  ["schedulers/1", "enable", ["enabled"]],
  ["masters/2", "drop_role", ["role", "deadline", "reason"]],
  ["masters/2", "add_role", ["role", "builders", "reason"]],
  ["masters/2", "reconfig", ["dry_run", "reason"]],
  ["masters/2", "drain", ["deadline", "reason"]],
  ["masters/2", "stop", ["reason"]],
];

/** Whatever is sent to a ui master beside what the API describes: no answer is a fault of the master, and it goes on. */
describe.each(engines)("nonsense, on %s,", (engine) => {
  let server: RestServer;
  let database: Database;
  beforeAll(async () => {
    database = await newDatabase(engine);
    await seedRecorded(database);
    server = await startRestServer(database, {
      hooks: [base({ anybody: true }), ...Object.values(forges).map((hook) => hook({ secret, forks: true }))],
    });
  });

  /** Sends an address as it is, which fetch would tidy up. */
  const send = (path: string, options: { method?: string; headers?: Record<string, string>; body?: string } = {}) =>
    new Promise<{ status: number; body: Buffer }>((resolve, reject) => {
      const { method = "GET", headers = {}, body } = options;
      const sent = request(server.url, { path, method, headers }, async (response) => {
        resolve({ status: Number(response.statusCode), body: Buffer.concat(await response.toArray()) });
      });
      sent.on("error", reject).end(body);
    });
  const expectNoFault = async (answer: Promise<{ status: number; body?: unknown }>) => {
    const { status, body } = await answer;
    expect(status, String(body).slice(0, 200)).toBeLessThan(500);
  };

  it.each(Object.keys(events) as Forge[])("in the payload of a hook of %s is no fault", async (forge) => {
    const delivery = fc
      .constantFrom(...events[forge])
      .chain(([event, payload]) => fc.tuple(fc.constant(event), spoil(payload)));
    await fc.assert(
      fc.asyncProperty(delivery, async ([event, payload]) => expectNoFault(deliver(server, { forge, event, payload }))),
      runs(60),
    );
  });

  it("in a form, a query and JSON for the hook base is no fault", async () => {
    const names = [
      "author",
      "who",
      "comments",
      "branch",
      "revision",
      "when",
      "when_timestamp",
      "files",
      "links",
      "properties",
    ];
    const fields = fc.dictionary(fc.oneof(fc.constantFrom(...names), nastyText), nasty);
    await fc.assert(
      fc.asyncProperty(fields, fc.constantFrom("json", "form", "query"), async (given, manner) => {
        const texts = Object.entries(given).map(([k, v]) => [k, typeof v === "string" ? v : JSON.stringify(v)]);
        const form = new URLSearchParams(Object.fromEntries(texts) as Record<string, string>).toString();
        const type = manner === "json" ? "application/json" : "application/x-www-form-urlencoded";
        const body = manner === "json" ? JSON.stringify(given) : manner === "form" ? form : "";
        const path = `/change_hook/base${manner === "query" ? `?${form}` : ""}`;
        await expectNoFault(send(path, { method: "POST", headers: { "content-type": type }, body }));
      }),
      runs(150),
    );
  });

  it("as the parameters of a call is no fault", async () => {
    const call = fc
      .constantFrom(...calls)
      .chain(([path, method, names]) =>
        fc.tuple(fc.constant(path), fc.constant(method), fc.dictionary(fc.constantFrom(...names), nasty)),
      );
    await fc.assert(
      fc.asyncProperty(call, nasty, async ([path, method, params], id) => {
        const given = { author: "a", comments: "c", ...params };
        await expectNoFault(
          server.post(`/api/v2/${path}`, { jsonrpc: "2.0", id, method, params: method === "add" ? given : params }),
        );
      }),
      runs(300),
    );
  });

  it.each(["\0", "a\0b", "\ud800", "x".repeat(5000), { toString: 1, valueOf: 1 }, [{ toString: 1 }], 1e21])(
    "as any one parameter of a call is no fault: %j",
    async (value) => {
      const needed = { author: "a", comments: "c" };
      for (const [path, method, names] of calls) {
        for (const name of names) {
          const params = { ...(method === "add" ? needed : {}), [name]: value };
          const { status, text } = await server.post(`/api/v2/${path}`, { jsonrpc: "2.0", id: 1, method, params });
          expect(status, `${path} ${method} ${name}: ${text.slice(0, 200)}`).toBeLessThan(500);
        }
      }
    },
  );

  it.each(["%00", "a%00b", "%ed%a0%80", "%"])("as the name of a badge is unknown: %s", async (name) => {
    const { status, body } = await send(`/badges/${name}.svg`);
    expect([status, String(body)]).toEqual([200, expect.stringContaining("Build Status: unknown")]);
  });

  it("in an address is no fault", async () => {
    const first = fc.constantFrom(
      ...["api", "api/v2", "api/v2/builders", "api/v2/builders/1/builds", "api/v2/workers", "api/v2/forceschedulers"],
      ...[
        "api/v2/logs/1",
        "api/v2/builds/1/data",
        "api/v2/codebases/1/commits_by_revision",
        "badges",
        "plugins/badges",
      ],
      ...[
        "cc.xml",
        "auth/login",
        "auth/logout",
        "auth",
        "avatar",
        "sse/add",
        "change_hook",
        "assets",
        "health",
        "metrics",
        "",
      ],
    );
    const query = fc.array(
      fc.tuple(
        fc.constantFrom(
          "field",
          "order",
          "limit",
          "name",
          "left_text",
          "left_color",
          "code",
          "state",
          "redirect",
          "return",
          "path",
          "property",
          "name__contains",
        ),
        nastyPart,
      ),
    );
    const headers = fc.record(
      {
        accept: fc.constantFrom("application/json", "text/html", "*/*;q=x", "\u00e9"),
        cookie: nastyText.map((text) => `mm-session=${text.replace(/[^\x20-\x7e]/g, "")}`),
        authorization: fc.constantFrom("Basic !", "Basic ", "Bearer", "Basic OjpA", "Digest x"),
        origin: fc.constantFrom("null", "http://[", "https://evil.example"),
        "if-none-match": fc.constantFrom("*", '"', 'W/"x"'),
      },
      { requiredKeys: [] },
    );
    const method = fc.constantFrom("GET", "GET", "GET", "HEAD", "POST", "PUT", "OPTIONS", "DELETE");
    const path = fc.tuple(first, fc.array(nastyPart, { maxLength: 3 }), query).map(([start, parts, pairs]) => {
      const search = pairs.map(([name, value]) => `${name}=${value}`).join("&");
      return `/${[start, ...parts].join("/")}${start === "badges" ? ".svg" : ""}?${search}`;
    });
    await fc.assert(
      // 501: no one logs in here.
      fc.asyncProperty(path, method, headers, async (address, verb, more) => {
        const { status, body } = await send(address, { method: verb, headers: more as Record<string, string> });
        expect(status === 501 || status < 500, `${status} ${body}`.slice(0, 200)).toBe(true);
      }),
      runs(600),
    );
  });

  it("in a Range returns the bytes that it means, or all, or none", async () => {
    const [log] = await queryRows<{ id: number }>(
      database,
      "select id from logs where num_lines > 2 order by id limit 1",
    );
    const path = `/api/v2/logs/${log?.id}/raw`;
    const whole = (await send(path)).body;
    const bound = fc.oneof(
      fc.integer({ min: 0, max: whole.length + 5 }).map(String),
      fc.constantFrom("", "-1", "9".repeat(20), "x"),
    );
    const header = fc.oneof(
      fc.tuple(bound, bound).map(([from, to]) => `bytes=${from}-${to}`),
      fc.constantFrom("bytes", "bytes=", "lines=0-1", "bytes=0-1,3-4", "bytes=--", "bytes= 0-1", "BYTES=0-1"),
    );
    await fc.assert(
      fc.asyncProperty(header, fc.constantFrom("identity", "gzip"), async (range, encoding) => {
        const { status, body } = await send(path, { headers: { range, "accept-encoding": encoding } });
        expect([200, 206, 416]).toContain(status);
        if (encoding === "identity" && status === 200) expect(body.equals(whole)).toBe(true);
        const [, from = "", to = ""] = /^bytes=(\d*)-(\d*)$/.exec(range) ?? [];
        if (encoding === "identity" && status === 206)
          expect(body).toEqual(
            from === ""
              ? whole.subarray(-Number(to))
              : whole.subarray(Number(from), to === "" ? undefined : Number(to) + 1),
          );
      }),
      runs(150),
    );
  });

  it("on a WebSocket is answered or ends it, and hurts no one else", async () => {
    const commands = fc.constantFrom<unknown>(
      "ping",
      "startConsuming",
      "stopConsuming",
      "login",
      "constructor",
      "",
      null,
      {},
    );
    const path = fc.oneof(
      nasty,
      fc
        .array(fc.constantFrom("*", "builds", "1", "", "new", "control", "\0"), { maxLength: 6 })
        .map((parts) => parts.join("/")),
    );
    const frame = fc.oneof(
      fc.record({ _id: nasty, cmd: commands, path }, { requiredKeys: [] }).map((value) => JSON.stringify(value)),
      nastyText,
      fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
      fc.constant("[".repeat(30_000)),
    );
    const witness = await connectListener(server.url);
    await fc.assert(
      fc.asyncProperty(fc.array(frame, { minLength: 1, maxLength: 8 }), async (frames) => {
        const socket = new WebSocket(new URL("/ws", server.url.replace(/^http/, "ws")));
        const answers: string[] = [];
        socket.on("message", (data) => answers.push(String(data))).on("error", () => {});
        await once(socket, "open");
        for (const each of frames) socket.send(each);
        socket.close();
        await once(socket, "close");
        for (const answer of answers) expect(JSON.parse(answer).code ?? 200, answer).toBeLessThan(500);
      }),
      runs(60),
    );
    expect((await witness.ask({ cmd: "ping", _id: "still there" })).msg).toBe("pong");
  });

  it("in a login is no fault, logs no one in, and leads to no other site", async () => {
    const { url } = await startProvider();
    const ours = { url: "https://ci.example.org/" };
    const [byPassword, byProvider] = await Promise.all([
      startRestServer(database, { auth: password({ users: { ann: { password: await hashPassword("right") } } }) }),
      startRestServer(
        database,
        { auth: openIdConnect({ issuer: url, ...client, users: "ours" }) },
        undefined,
        undefined,
        ours,
      ),
    ]);
    const way = fc.record(
      { redirect: nastyText, return: fc.oneof(nastyText, fc.webPath(), fc.webUrl()).map((text) => `/${text}`) },
      { requiredKeys: [] },
    );
    const said = fc.record(
      { code: nastyText, state: nastyText, error: nastyText, iss: nastyText },
      { requiredKeys: [] },
    );
    const form = fc.record({ username: fc.oneof(nastyText, fc.constant("ann")), password: nastyText });
    const query = (fields: object) => new URLSearchParams(fields as Record<string, string>).toString();
    await fc.assert(
      fc.asyncProperty(way, said, form, async (back, answer, filled) => {
        const browser = new Browser();
        const wrong = await browser.logIn(byPassword, filled.username, filled.password, back as Record<string, string>);
        // 429: too many that failed.
        expect([400, 401, 429], wrong.text).toContain(wrong.status);
        const away = await browser.get(byProvider, `/auth/login?${query(back)}`);
        expect(new URL(String(away.location)).origin).toBe(new URL(url).origin);
        const returned = await browser.get(byProvider, `/auth/login?${query({ state: "x", ...answer, ...back })}`);
        expect([400, 401], returned.text).toContain(returned.status);
        const out = await browser.get(byPassword, `/auth/logout?${query(back)}`);
        expect(new URL(String(out.location), "https://ci.example.org/auth/logout").origin).toBe(
          "https://ci.example.org",
        );
        expect([...browser.cookies.keys()].filter((name) => name.includes("session"))).toEqual([]);
      }),
      // Each of them costs what a password costs to be checked.
      runs(12),
    );
    const cut = await new Browser().get(byPassword, `/auth/logout?redirect=${"x".repeat(1999)}%F0%9F%98%80`);
    expect(cut.status).toBe(302);
  });

  it("instead of HTTP is answered with 400 or nothing", async () => {
    const line = fc.constantFrom(
      "GET / HTTP/1.1",
      "GET /api/v2/builds HTTP/9.9",
      "GET /api/v2/builds?limit=1 HTTP/1.1",
      "GET /badges/x.svg HTTP/1.0",
      "OPTIONS * HTTP/1.1",
      "GET ws://x/ HTTP/1.1",
      "\0\0\0",
      "POST /api/v2/changes HTTP/1.1",
      "GET http://[ HTTP/1.1",
      "PRI * HTTP/2.0",
    );
    const headers = fc.array(
      fc.constantFrom(
        "Host: x",
        "Host: [",
        "Content-Length: -1",
        "Content-Length: 5",
        "Transfer-Encoding: chunked",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: x",
        ": y",
        "a\0: b",
        `X: ${"y".repeat(20_000)}`,
      ),
    );
    await fc.assert(
      fc.asyncProperty(line, headers, nastyText, async (first, rest, body) => {
        const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
        const pieces: Buffer[] = [];
        socket.on("data", (piece) => pieces.push(piece)).on("error", () => {});
        socket.end(`${[first, ...rest].join("\r\n")}\r\n\r\n${body}`);
        await once(socket, "close");
        expect(Buffer.concat(pieces).toString()).not.toMatch(/^HTTP\/1\.1 5/);
      }),
      runs(100),
    );
    expect((await server.get("/health")).status).toBe(200);
  });
});

describe("an address", () => {
  let server: RestServer;
  beforeAll(async () => {
    server = await startRestServer(await newDatabase("sqlite"));
  });
  const ask = async (line: string, host: string) => {
    const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
    socket.end(`GET ${line} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    return Buffer.concat(await socket.toArray()).toString();
  };

  it("that is too long is answered in a sentence", async () => {
    const { status, body } = await server.get(`/api/v2/builds?name=${"x".repeat(20_000)}`);
    expect([status, body]).toEqual([431, { error: "the URL and the headers together are longer than 16 kB" }]);
  });

  it.each([
    ["http://[", "x"],
    ["http://[/api/v2/builds", "x"],
    ["*", "x"],
    ["//[", "["],
    ["/api/v2/builds", "x y"],
    ["/api/v2/builds", "x:99999"],
    // A host would count as the query, also for another client that asks the same at the same time.
    ["/api/v2/builds", "x/?limit=0&"],
  ])("that is none ends no master: %s of %s", async (line, host) => {
    expect(await ask(line, host)).toMatch(/^HTTP\/1\.1 400 .*invalid request target/s);
    expect((await server.get("/health")).status).toBe(200);
  });

  it.each([
    ["http://ci.example/api/v2/masters?limit=1", "localhost"],
    ["HTTP://[::1]:80/api/v2/masters", "[::1]:80"],
    ["/api/v2/masters", "ci_1.localhost:8010"],
  ])("that a proxy wrote is understood: %s of %s", async (line, host) => {
    expect(await ask(line, host)).toMatch(/^HTTP\/1\.1 200 .*masterid/s);
  });
});
