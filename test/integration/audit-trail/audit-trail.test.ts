import { uiSlice } from "@multimaster/config";
import { type Clock, silentLog, systemClock } from "@multimaster/core";
import { type AuditEntry, anonymousActor } from "@multimaster/data";
import { type Database, execute, insertApiToken, queryRows } from "@multimaster/database";
import { nounOfTarget } from "@multimaster/roles/ui/access/nouns";
import { createRefusals } from "@multimaster/roles/ui/access/refusals";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Browser } from "../../harness/login-browser.ts";
import { isLong } from "../../harness/long-form.ts";
import { seedRecorded } from "../../harness/rest-recordings.ts";
import { type RestServer, startRestServer } from "../../harness/rest-server.ts";
import { engines, newDatabase } from "../../harness/test-databases.ts";

const operator = { authorization: "Bearer mmt_ops" };
const reader = { authorization: "Bearer mmt_eyes" };

describe.each(engines)("the audit trail on %s", (engine) => {
  let database: Database;
  let server: RestServer;
  const program = new Browser();
  beforeAll(async () => {
    database = await newDatabase(engine);
    await seedRecorded(database);
    server = await start();
    await insertApiToken(database, "mmt_ops", { name: "ops", roles: ["operators"], scope: "all", seconds: null });
    await insertApiToken(database, "mmt_eyes", { name: "eyes", roles: [], scope: "all", seconds: null });
  });
  beforeEach(() => execute(database, "delete from mm_audit", []));
  const start = () =>
    startRestServer(database, {
      authorization: {
        rules: [
          { allow: "read", on: "*", to: ["anyone"] },
          { allow: "control", on: "*", to: ["role:operators"] },
        ],
        otherwise: "deny",
        roles: { operators: {} },
      },
    });
  const call = (path: string, method: string, params: object = {}, who: object = operator) =>
    program.call(server, path, method, params, who);
  const trail = () =>
    queryRows<AuditEntry & { who: string }>(
      database,
      "select who, by_what as by, address, action, object, outcome, times from mm_audit order by id",
    );

  it("has a row of everything that was done: who, by what, from where, and on what", async () => {
    const [bsid, requests] = (await call("builds/1", "rebuild")).body.result;
    const read = async (path: string) => (await program.get(server, `/api/v2/buildsets/${bsid}${path}`)).body;
    expect((await read("")).buildsets[0].reason).toBe("rebuild of build 1, asked for by 'ops'");
    expect((await read("/properties")).properties[0].owner).toEqual(["ops", "Rebuild"]);
    expect(await queryRows(database, "select identity, name from mm_askers where buildsetid = ?", [bsid])).toEqual([
      { identity: "token:ops", name: "ops" },
    ]);
    const buildrequestid = Object.values(requests)[0] as number;
    const all = await program.get(server, "/api/v2/masters?order=-masterid&limit=1", { headers: operator });
    const { masterid } = all.body.masters[0];
    const calls: [string, string, object][] = [
      ["forceschedulers/force", "force", { builderNames: ["hello"], reason: "r" }],
      [`buildrequests/${buildrequestid}`, "set_priority", { priority: 3 }],
      [`buildrequests/${buildrequestid}`, "cancel", {}],
      ["workers/1", "pause", { reason: "mending" }],
      ["workers/1", "unpause", {}],
      ["schedulers/1", "enable", { enabled: true }],
      ["changes", "add", { author: "a", comments: "c", delivery: "once" }],
      ["changes", "add", { author: "a", comments: "c", delivery: "once" }],
      [`masters/${masterid}`, "drain", {}],
      [`masters/${masterid}`, "undrain", {}],
    ];
    for (const [path, method, params] of calls)
      expect((await call(path, method, params)).body.error, `${method} ${path}`).toBeUndefined();
    const by = { who: "token:ops", by: "token", address: expect.stringMatching(/127\.0\.0\.1|::1/), outcome: "done" };
    expect(await trail()).toEqual([
      { ...by, action: "rebuild", object: "builds/1", times: 1 },
      ...calls.map(([object, action]) => ({ ...by, action, object, times: 1 })),
    ]);
  });

  it("is written with what it is about, or neither is", async () => {
    const count = async () =>
      (await queryRows<{ n: number }>(database, "select count(*) as n from buildsets"))[0]?.n as number;
    const before = await count();
    const isRefusal = engine === "postgresql";
    await execute(database, "alter table mm_audit rename to mm_audit_away", []);
    try {
      for (const [path, method, params] of [
        ["builds/1", "rebuild", {}],
        ["forceschedulers/force", "force", { builderNames: ["hello"], reason: "r" }],
        ["workers/1", "pause", {}],
        ["schedulers/1", "enable", { enabled: false }],
      ] as const)
        expect((await call(path, method, params)).status, method).toBe(isRefusal ? 503 : 500);
    } finally {
      await execute(database, "alter table mm_audit_away rename to mm_audit", []);
    }
    expect(await count()).toBe(before);
    expect((await program.get(server, "/api/v2/workers/1")).body.workers[0].paused).toBe(false);
    expect((await program.get(server, "/api/v2/schedulers/1")).body.schedulers[0].enabled).toBe(true);
    await server.stop();
    // What could not be written is written when the trail is back; of one asker no more than a few kinds at a time.
    const failed = ["rebuild", "force", "pause"].map((action) => ({ action, outcome: "failed" }));
    expect((await trail()).slice(0, 3)).toMatchObject(isRefusal ? failed : []);
    server = await start();
  });

  it("lists what was refused and what failed, each kind of attempt once with its number", async () => {
    for (let i = 0; i < 5; i++) await call("workers/1", "pause", {}, reader);
    await call("builds/1", "stop");
    await server.stop();
    expect(await trail()).toMatchObject([
      { who: "token:eyes", action: "pause", object: "workers/1", outcome: "refused", times: 5 },
      { who: "token:ops", action: "stop", object: "builds/1", outcome: "failed", times: 1 },
    ]);
    server = await startRestServer(database, { authorization: { rules: [], otherwise: "deny" } });
  });

  it("has one row for all names of methods that nothing has", async () => {
    const private_ = await startRestServer(database, { authorization: { rules: [], otherwise: "deny" } });
    for (let i = 0; i < 12; i++) await program.call(private_, `workers/${i}`, `made-up-${i}`, {}, reader);
    await program.call(private_, "workers/1", "pause", {}, operator);
    await private_.stop();
    expect(await trail()).toMatchObject([
      { who: "token:eyes", action: "unknown method", object: "various", outcome: "refused", times: 12 },
      { who: "token:ops", action: "pause", object: "workers/1", outcome: "refused", times: 1 },
    ]);
  });

  it("lists what was refused before it was read: a long body, an unknown token", async () => {
    const post = (path: string, headers: Record<string, string>, body: string) =>
      fetch(new URL(path, server.url), {
        method: "POST",
        headers: { "Content-Type": "application/json", ...headers },
        body,
      });
    const long = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "pause", params: { reason: "x".repeat(20_000) } });
    expect((await post("/api/v2/workers/1", reader, long)).status).toBe(403);
    expect((await post("/api/v2/workers/1", { authorization: "Bearer mmt_nobody" }, "{}")).status).toBe(401);
    await server.stop();
    expect(await trail()).toMatchObject([
      { who: "token:eyes", action: "call", object: "workers/1", outcome: "refused", times: 1 },
      { who: "anonymous", action: "call", object: "workers/1", outcome: "refused", times: 1 },
    ]);
    server = await startRestServer(database, { authorization: { rules: [], otherwise: "deny" } });
  });

  it("keeps the newest of what was done, whatever was refused since", async () => {
    const { audit } = server.data.updates;
    const row = { who: "x", name: "x", by: "token", address: null, action: "a", object: "o" };
    for (let i = 0; i < 6; i++) await audit.note([{ ...row, outcome: "done" }]);
    for (let i = 0; i < 20; i++) await audit.note([{ ...row, outcome: "refused" }]);
    await audit.prune({ done: 4, others: 2 });
    const outcomes = (await trail()).map(({ outcome }) => outcome);
    expect(outcomes).toEqual(["done", "done", "done", "done", "refused", "refused"]);
  });

  it.each([
    { wrote: { busy: 30, ann: 3, bob: 1 }, keep: 10, kept: { busy: 6, ann: 3, bob: 1 } },
    { wrote: { busy: 30, loud: 20, ann: 2 }, keep: 11, kept: { busy: 4, loud: 5, ann: 2 } },
    { wrote: { busy: 5, ann: 5, bob: 5, eve: 5 }, keep: 2, kept: { bob: 1, eve: 1 } },
    { wrote: { busy: 5, ann: 5 }, keep: 10, kept: { busy: 5, ann: 5 } },
    { wrote: { busy: isLong ? 6000 : 60, ann: 1 }, keep: 2, kept: { busy: 1, ann: 1 } },
  ])("keeps $keep of $wrote: the oldest of who has most go first", async ({ wrote, keep, kept }) => {
    const { audit } = server.data.updates;
    const row = { by: "token", address: null, action: "a", object: "o", outcome: "done" } as const;
    const count = (who: string) =>
      queryRows<{ id: number }>(database, "select id from mm_audit where who = ? order by id", [who]);
    const before = new Map<string, number[]>();
    const rows = Object.entries(wrote).toReversed();
    for (const [who, times] of rows) {
      await audit.note(Array.from({ length: times }, () => ({ ...row, who, name: who })));
      before.set(
        who,
        (await count(who)).map(({ id }) => id),
      );
    }
    await audit.prune({ done: keep, others: keep });
    let total = 0;
    for (const who of Object.keys(wrote)) {
      const left = (await count(who)).map(({ id }) => id);
      total += left.length;
      expect(left, who).toEqual(before.get(who)?.slice(-Math.max(left.length, 1)).slice(0, left.length));
      // Who has as much as another one may have one more or less.
      if (new Set(Object.values(wrote)).size === Object.keys(wrote).length)
        expect(left.length, who).toBeGreaterThanOrEqual(kept[who as keyof typeof kept] ?? 0);
    }
    expect(total).toBe(keep);
  });

  it("keeps what an address without a name was refused, however much networks make up since", async () => {
    const { audit } = server.data.updates;
    const row = {
      who: "anonymous",
      name: "x",
      by: "nothing",
      action: "login",
      object: "o",
      outcome: "refused",
    } as const;
    await audit.note([1, 2, 3].map(() => ({ ...row, name: "guessed", address: "192.0.2.1" })));
    await audit.note(Array.from({ length: 40 }, (_, i) => ({ ...row, address: `2001:db8:1:${i.toString(16)}::1` })));
    await audit.note(Array.from({ length: 40 }, (_, i) => ({ ...row, address: `10.0.${i}.1` })));
    await audit.prune({ done: 20, others: 20 });
    const left = await queryRows<{ name: string }>(database, "select name from mm_audit");
    expect([left.length, left.filter(({ name }) => name === "guessed").length]).toEqual([20, 3]);
  });

  it("shows what a client is called on one line, as it is written", async () => {
    const name = "ann\n2026 root done\r\u001b[2J\u202eevil";
    const row = { who: "anonymous", by: "nothing", action: "a\nb", object: "o\u2028p", outcome: "refused" } as const;
    await server.data.updates.audit.note([{ ...row, name, address: "192.0.2.1\n", detail: "x\ty" }]);
    expect(await queryRows(database, "select name, action, object, address, detail from mm_audit")).toEqual([
      {
        name: "ann\\u000a2026 root done\\u000d\\u001b[2J\\u202eevil",
        action: "a\\u000ab",
        object: "o\\u2028p",
        address: "192.0.2.1\\u000a",
        detail: "x\\u0009y",
      },
    ]);
  });
});

describe("who may read the audit trail", () => {
  const open = async (rules: object[], otherwise = "deny", noun = "audit_entries") => {
    const database = await newDatabase("sqlite");
    await insertApiToken(database, "mmt_ops", { name: "ops", roles: ["operators"], scope: "all", seconds: null });
    await insertApiToken(database, "mmt_eyes", { name: "eyes", roles: [], scope: "all", seconds: null });
    const server = await startRestServer(database, { authorization: { rules, otherwise, roles: { operators: {} } } });
    const status = async (headers: Record<string, string>) => (await server.get(`/api/v2/${noun}`, headers)).status;
    return [await status({}), await status(reader), await status(operator)];
  };
  const all = { allow: "read", on: "*", to: ["anyone"] };

  it("is who controls, and not who reads", async () => {
    const control = { allow: "control", on: "*", to: ["role:operators"] };
    expect(await open([all, control])).toEqual([403, 403, 200]);
    expect(await open([all, { ...control, on: "workers" }])).toEqual([403, 403, 403]);
    expect(await open([{ allow: "*", on: "*", to: ["users"] }])).toEqual([403, 200, 200]);
  });

  it.each(["reporters", "reports", "retention_runs"])("and also %s", async (noun) => {
    const control = { allow: "control", on: "*", to: ["role:operators"] };
    expect(await open([all, control], "deny", noun)).toEqual([403, 403, 200]);
  });

  it("or whom a rule names", async () => {
    const named = { allow: "read", on: "audit_entries", to: ["users"] };
    expect(await open([all, named])).toEqual([403, 200, 200]);
    expect(
      await open([
        { ...named, to: [] },
        { allow: "*", on: "*", to: ["anyone"] },
      ]),
    ).toEqual([403, 403, 403]);
  });
});

it("what anybody can be refused as often as they like fills no table", async () => {
  const written: { times?: number }[] = [];
  const clock: Clock = { ...systemClock, after: () => ({ cancel() {} }) as never };
  const refusals = createRefusals({
    audit: { note: async (rows) => void written.push(...rows) },
    clock,
    log: silentLog,
  });
  for (let i = 0; i < 5000; i++)
    refusals.note({
      actor: { ...anonymousActor, address: `10.0.${i >> 8}.${i & 255}` },
      action: "login",
      object: "sessions",
      outcome: "refused",
      detail: "wrong password",
    });
  await refusals.flush();
  expect(written.length).toBe(11);
  expect(written.reduce((sum, { times = 1 }) => sum + times, 0)).toBe(5000);
});

it("what one address is refused hides nothing that another one is, however much it makes up", async () => {
  const written: { address: string | null; action: string; times?: number }[] = [];
  const clock: Clock = { ...systemClock, after: () => ({ cancel() {} }) as never };
  const audit = { note: async (rows: readonly (typeof written)[number][]) => void written.push(...rows) };
  const refusals = createRefusals({ audit, clock, log: silentLog });
  const note = (address: string, action: string, identity = anonymousActor.identity) =>
    refusals.note({
      actor: { ...anonymousActor, identity, address },
      action,
      object: "builds/1",
      outcome: "refused",
      detail: "no",
    });
  for (let i = 0; i < 100; i++) note(`2001:db8:1:2::${i}`, `made-up-${i}`);
  note("192.0.2.7", "stop");
  // A known user is distinguished from strangers at the same address.
  note("2001:db8:1:2::1", "rebuild", "user:ann");
  for (let i = 0; i < 100; i++) note(`10.1.0.${i}`, "stop");
  note("198.51.100.9", "cancel");
  await refusals.flush();
  const rows = written.map(({ address, action, times }) => `${address} ${action} ${times}`);
  expect(rows).toEqual(expect.arrayContaining(["192.0.2.7 stop 1", "2001:db8:1:2::1 rebuild 1"]));
  expect(rows).toContain("2001:db8:1:2::0 various 97");
  expect(rows).toEqual(expect.arrayContaining(["10.1.0.0/16 various 93", "198.51.0.0/16 various 1"]));
  expect(rows.length).toBe(4 + 2 + 7 + 2);
});

it("every action of the API can be named by a rule, with its noun", async () => {
  const server = await startRestServer(await newDatabase("sqlite"));
  const { paths } = (await server.get("/api/v2/openapi.json")).body;
  const pairs = new Set<string>();
  for (const [template, { post }] of Object.entries<{ post?: { requestBody: { content: never } } }>(paths)) {
    const content = (post?.requestBody.content ?? {}) as Record<
      string,
      { schema: { properties: { method: { enum: string[] } } } }
    >;
    const path = template
      .replace(/^\/+(api\/v2\/)?/, "")
      .replace("{schedulername}", "force")
      .replace(/\{\w+\}/g, "1")
      .split("/");
    for (const method of content["application/json"]?.schema.properties.method.enum ?? [])
      pairs.add(`${method} ${nounOfTarget(path)}`);
  }
  expect(pairs.size).toBeGreaterThan(15);
  for (const pair of pairs) {
    const [allow, on] = pair.split(" ");
    const parsed = uiSlice.safeParse({ authorization: { rules: [{ allow, on, to: [] }], otherwise: "deny" } });
    expect(parsed.error?.issues, pair).toBeUndefined();
  }
});
