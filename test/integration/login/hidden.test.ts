import type { UiSliceInput } from "@multimaster/config";
import { hashPassword, systemClock } from "@multimaster/core";
import { type Database, execute, insertApiToken, queryRows, revokeApiToken } from "@multimaster/database";
import password from "@multimaster/plugins/auth/password";
import { beforeAll, describe, expect, it } from "vitest";
import { Browser } from "../../harness/login-browser.ts";
import { connectListener } from "../../harness/realtime-client.ts";
import { seedRecorded } from "../../harness/rest-recordings.ts";
import { type RestServer, startRestServer } from "../../harness/rest-server.ts";
import { engines, newDatabase } from "../../harness/test-databases.ts";

type Rules = NonNullable<UiSliceInput["authorization"]>["rules"];
type Noun = Exclude<Rules[number]["on"], readonly string[]>;

/** What a row of each noun says that nothing else says. */
const secrets: Readonly<Record<string, string>> = {
  builders: "update builders set name = 'secret-of-builders!' || id",
  builds: "update builds set state_string = 'secret-of-builds!'",
  steps: "update steps set state_string = 'secret-of-steps!'",
  logs: "update logs set name = 'secret-of-logs!'",
  build_data: "update build_data set source = 'secret-of-build_data!'",
  test_result_sets: "update test_result_sets set description = 'secret-of-test_result_sets!'",
  buildrequests: "update buildrequests set priority = 31415926",
  buildsets: "update buildsets set reason = 'secret-of-buildsets!'",
  sourcestamps: "update sourcestamps set repository = 'secret-of-sourcestamps!'",
  changes: "update changes set comments = 'secret-of-changes!'",
  changesources: "update changesources set name = 'secret-of-changesources!' || id",
  schedulers: "update schedulers set name = 'secret-of-schedulers!' || id where id <> 1",
  workers: "update workers set name = 'secret-of-workers!' || id",
  masters: "update masters set name = 'secret-of-masters!' || id",
  orders:
    "insert into mm_orders (masterid, epoch, kind, reason, ordered_by, ordered_at) values (1, 1, 'drain', 'secret-of-orders!', 'ann', 1)",
  projects: "update projects set description = 'secret-of-projects!'",
  codebases: "update codebases set name = 'secret-of-codebases!'",
};
const secretOf = (noun: string) => (noun === "buildrequests" ? "31415926" : `secret-of-${noun}!`);

/** A raw log begins with the names of its builder and worker, as the properties of its build have them. */
const isBuildsOwn = (noun: Noun, path: string) =>
  ["builders", "workers"].includes(noun) && /\/raw(_inline)?$/.test(path);

describe("a user who may not read a noun", () => {
  let database: Database;
  let open: RestServer;
  let paths: readonly string[];
  beforeAll(async () => {
    database = await newDatabase("sqlite");
    await seedRecorded(database);
    for (const sql of Object.values(secrets)) await execute(database, sql, []);
    // One request waits, so that there is something to explain; one event loop stood still.
    await execute(database, "update buildrequests set complete = 0, results = -1 where id = 1", []);
    await execute(database, "delete from buildrequest_claims where brid = 1", []);
    const steps = JSON.stringify([{ builder: "secret-of-builders!1", step: "secret-of-steps!", buildid: 1 }]);
    await execute(database, "insert into mm_loop_stalls (masterid, epoch, began_at, steps) values (1, 1, 1, ?)", [
      steps,
    ]);
    open = await startRestServer(database);
    const { body } = await open.get("/api/v2/openapi.json");
    paths = [...new Set(Object.keys(body.paths).flatMap((template) => fill(template)))];
  });

  /** Addresses of what is there, by template. */
  const fill = (template: string) =>
    [1, 2, 3, 7].map((id) =>
      template.replace(/\{(\w+)\}/g, (_, name: string) => {
        if (name === "schedulername") return "force";
        if (name === "log_slug") return "stdio";
        if (name === "name") return "blob";
        return String(name.endsWith("number") ? Math.min(id, 2) : id);
      }),
    );
  const read = async (server: RestServer, path: string) => {
    const { status, text } = await server.get(
      `/api/v2${path}${/(builds|buildrequests)$/.test(path) ? "?property=*" : ""}`,
    );
    return { status, text };
  };

  it("(everybody finds everything)", async () => {
    const texts = await Promise.all(paths.map(async (path) => (await read(open, path)).text));
    for (const noun of Object.keys(secrets))
      expect(
        texts.some((text) => text.includes(secretOf(noun))),
        noun,
      ).toBe(true);
  });

  it.each(Object.keys(secrets) as Noun[])("finds none of it in any answer: %s", async (noun) => {
    const server = await startRestServer(database, { authorization: hide(noun) });
    const found: string[] = [];
    let answers = 0;
    for (const path of paths) {
      const { status, text } = await read(server, path);
      if (status === 200) answers++;
      if (text.includes(secretOf(noun)) && !isBuildsOwn(noun, path)) found.push(`${path} ${status}`);
    }
    for (const path of ["/cc.xml", "/metrics", "/badges/secret-of-builders!1.svg"]) {
      const { text } = await server.get(path);
      if (text.includes(secretOf(noun))) found.push(path);
    }
    expect(found).toEqual([]);
    // What is about other things is still there.
    expect(answers).toBeGreaterThan(10);
  });

  it("does not learn whether a copy of it is current, how long it is, or what a range of it contains", async () => {
    const seen = await open.get("/api/v2/logs/7/raw", { "accept-encoding": "identity" });
    const list = await open.get("/api/v2/logs/7");
    const server = await startRestServer(database, { authorization: hide("logs") });
    const conditions: Record<string, string>[] = [
      { "if-none-match": seen.headers.get("etag") ?? "*" },
      { "if-none-match": list.headers.get("etag") ?? "*", accept: "application/json" },
      { "if-none-match": "*" },
      { range: "bytes=0-3" },
      { range: "bytes=999999-" },
    ];
    for (const path of ["/api/v2/logs/7/raw", "/api/v2/logs/7/raw_inline", "/api/v2/logs/7", "/api/v2/logs/7/contents"])
      for (const headers of conditions) {
        for (const method of ["GET", "HEAD"]) {
          const answer = await fetch(new URL(path, server.url), { method, headers });
          const told = ["etag", "content-range", "accept-ranges", "content-disposition", "last-modified"];
          expect([answer.status, told.filter((name) => answer.headers.has(name))], path).toEqual([403, []]);
        }
      }
  });

  it("learns nothing by filters, orders and totals, nor by what is wrong with them", async () => {
    const server = await startRestServer(database, { authorization: hide("builds") });
    const answers = new Set<string>();
    for (const query of ["", "?limit=1", "?number=1", "?order=-results", "?field=none", "?results__eq=x", "?limit=x"])
      for (const path of ["builds", "builders/1/builds", "builders/999/builds", "builds/1", "builds/999"])
        answers.add((await server.get(`/api/v2/${path}${query}`)).text);
    expect([...answers]).toEqual([
      '{"error":"You may not read builds: that is for no one; a rule in `authorization` of the ui can allow it."}',
    ]);
  });

  it("hears none of it, whichever paths and however many stars it is listened to by", async () => {
    const hidden = ["workers", "logs", "schedulers", "control"] as const;
    const server = await startRestServer(database, { authorization: hide(...hidden) });
    const socket = await connectListener(server.url);
    for (const path of ["workers/*/*", "workers/1/connected", "builds/1/steps/*/logs/*/*", "logs/7/*", "control/*/*/*"])
      expect((await socket.listen(path)).code, path).toBe(403);
    const stars = [2, 3, 4, 5, 6, 7].map((n) => Array.from({ length: n }, () => "*").join("/"));
    for (const path of stars) expect((await socket.listen(path)).code, path).toBe(200);
    const stream = await connectListener(server.url);
    await stream.listen("*/1/*");
    expect((await server.get("/sse/listen/workers/*/*")).status).toBe(403);

    const secret = { workerid: 1, name: "secret", logid: 1, schedulerid: 1 };
    for (const key of [
      "workers/1/connected",
      "logs/1/append",
      "steps/1/logs/stdio/append",
      "schedulers/1/updated",
      "control/builds/1/stop",
      "workers/1/builds/1/new",
    ])
      await server.data.events.publishRaw(key.split("/"), secret);
    await server.data.events.publishRaw(["builders", "1", "started"], { builderid: 1 });
    for (const client of [socket, stream]) {
      await expect.poll(() => client.keys()).toContain("builders/1/started");
      expect(client.keys()).toEqual(client.keys().filter((key) => key === "builders/1/started"));
    }
  });

  it("may call nothing on it, be it there or not, and nothing at all without the right to", async () => {
    const { body } = await open.get("/api/v2/openapi.json");
    const calls = Object.entries<{ post?: { requestBody: { content: object } } }>(body.paths).flatMap(
      ([template, { post }]) => {
        const content = post?.requestBody.content as Record<
          string,
          { schema: { properties: { method: { enum: string[] } } } }
        >;
        const methods = content?.["application/json"]?.schema.properties.method.enum ?? [];
        return methods.map(
          (method) => [template.replace(/\{schedulername\}/, "force").replace(/\{\w+\}/g, "1"), method] as const,
        );
      },
    );
    expect(calls.length).toBeGreaterThan(30);
    const readers = await startRestServer(database, {
      authorization: {
        rules: [
          { allow: "read", on: "*", to: ["anyone"] },
          // "*" leaves them out.
          { allow: "read", on: ["worker_accounts", "tryschedulers", "reporters", "reports"], to: ["anyone"] },
        ],
        otherwise: "deny",
      },
    });
    const nobody = await startRestServer(database, { authorization: { rules: [], otherwise: "deny" } });
    const before = await readAll(database);
    for (const [path, method] of calls) {
      const call = { jsonrpc: "2.0", id: 1, method, params: {} };
      const refused = await readers.post(`/api/v2${path}`, call);
      expect([refused.status, refused.text], `${path} ${method}`).toEqual([
        403,
        expect.stringContaining(`may not ${method.replace("_", " ")}`),
      ]);
      for (const there of [path, path.replaceAll("/1", "/999")])
        expect((await nobody.post(`/api/v2${there}`, call)).status, `${there} ${method}`).toBe(403);
    }
    expect(await readAll(database)).toEqual(before);
  });
});

const hide = (...nouns: Noun[]): { rules: Rules; otherwise: "allow" } => ({
  rules: [{ allow: "read", on: nouns, to: [] }],
  otherwise: "allow",
});

/** What calls could have changed. */
async function readAll(database: Database) {
  const tables = ["buildsets", "buildrequests", "changes", "workers", "schedulers", "mm_orders", "masters"];
  return Promise.all(tables.map((table) => queryRows(database, `select count(*) as n from ${table}`)));
}

describe.each(engines)("who listens on, %s,", (engine) => {
  /** Clients are checked this often, instead of every half minute. */
  const impatient = {
    ...systemClock,
    sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(Math.min(ms, 100), signal),
  };
  const slice = async () => ({
    auth: password({ users: { ann: { password: await hashPassword("correct horse") } } }),
    authorization: { rules: [{ allow: "read", on: "*", to: ["users"] } as const], otherwise: "deny" as const },
  });

  it("hears nothing more once the session is over, wherever it was ended, or the token revoked", async () => {
    const database = await newDatabase(engine);
    const [one, other] = [
      await startRestServer(database, await slice(), undefined, undefined, {}, impatient),
      await startRestServer(database, await slice()),
    ];
    const ann = new Browser();
    await ann.logIn(one, "ann", "correct horse");
    const cookie = `mm-session=${ann.cookies.get("mm-session")}`;
    await insertApiToken(database, "mmt_x", { name: "x", roles: [], scope: "read", seconds: null });
    const [thief, program] = [
      await connectListener(one.url, { cookie }),
      await connectListener(one.url, { authorization: "Bearer mmt_x" }),
    ];
    for (const client of [thief, program]) expect((await client.listen("builders/*/*")).code).toBe(200);
    const stream = await fetch(new URL("/sse/listen/builders/*/*", one.url), { headers: { cookie } });
    expect(stream.status).toBe(200);

    await ann.get(other, "/auth/logout");
    expect(await thief.closed).toBe(1006);
    await expect(stream.text()).rejects.toThrow();
    expect((await program.ask({ cmd: "ping", _id: "p" })).msg).toBe("pong");
    await revokeApiToken(database, "x");
    expect(await program.closed).toBe(1006);
    await expect(connectListener(one.url, { authorization: "Bearer mmt_x" })).rejects.toThrow("401");
    const again = await connectListener(one.url, { cookie });
    expect((await again.listen("builders/*/*")).code).toBe(403);
  });
});
