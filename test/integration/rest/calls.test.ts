import { type Database, queryRows } from "@multimaster/database";
import { beforeEach, describe, expect, it } from "vitest";
import { readPosts, seedRecorded } from "../../harness/rest-recordings.ts";
import { type RestServer, startRestServer } from "../../harness/rest-server.ts";
import { engines, newDatabase } from "../../harness/test-databases.ts";

/** Where Buildbot's own answer is a defect: a missing object or parameter is the caller's mistake, not ours. */
const better: Record<string, { status: number; error: unknown }> = {
  "unknown method on buildrequest": {
    status: 501,
    error: { code: -32601, message: "action: explode is not supported" },
  },
  "unknown method on scheduler": { status: 501, error: { code: -32601, message: "action: explode is not supported" } },
  "stop missing build": { status: 404, error: { code: -32600, message: "There is no build at builds/9999." } },
  "stop missing build by number": {
    status: 404,
    error: { code: -32600, message: "There is no build at builders/1/builds/999." },
  },
  "rebuild missing build": { status: 404, error: { code: -32600, message: "There is no build at builds/9999." } },
  "cancel missing request": {
    status: 404,
    error: { code: -32600, message: "There is no buildrequest at buildrequests/9999." },
  },
  "pause missing worker": { status: 404, error: { code: -32600, message: "There is no worker at workers/9999." } },
  "force unknown scheduler": {
    status: 404,
    error: { code: -32600, message: "There is no forcescheduler at forceschedulers/nope." },
  },
  "enable without param": { status: 400, error: { code: -32602, message: "'enabled' must be given as true or false" } },
};

describe.each(engines)("calls on %s", (engine) => {
  let server: RestServer;
  let database: Database;
  beforeEach(async () => {
    database = await newDatabase(engine);
    await seedRecorded(database);
    server = await startRestServer(database);
  });

  const call = (path: string, method: string, params: object = {}) =>
    server.post(`/api/v2/${path}`, { jsonrpc: "2.0", id: 1, method, params });
  const value = async (sql: string) =>
    Object.values((await queryRows<Record<string, unknown>>(database, sql))[0] ?? {})[0];

  it("answer every mistake with a status and an error that describes it", async () => {
    for (const { case: name, request, status, body } of readPosts("post-errors").filter(
      (post) => post.request.method === "POST",
    )) {
      if (name === "set_priority" || name === "null id") continue;
      const answer = await server.post(request.path, request.body, request.contentType);
      const { id } = parseId(request.body);
      const expected = better[name]
        ? { status: better[name].status, body: { jsonrpc: "2.0", id, error: better[name].error } }
        : { status, body };
      if (name === "not json")
        expected.body = {
          jsonrpc: "2.0",
          error: { code: -32700, message: expect.stringMatching(/^JSON parse error: /) },
        };
      expect({ status: answer.status, body: answer.body }, name).toEqual(expected);
      expect(answer.contentType, name).toBe("application/json");
    }
  });

  it("answer as recorded where a real master did what was asked", async () => {
    for (const { case: name, request, body } of readPosts("post-ok")) {
      // Buildbot says nothing of it, as if it had done something.
      if (name === "stop finished build" || name === "cancel finished request") continue;
      const answer = await server.post(request.path, request.body, request.contentType);
      const result = Array.isArray(body.result) ? [expect.any(Number), { 1: expect.any(Number) }] : body.result;
      expect([answer.status, answer.body], name).toEqual([200, { ...body, result }]);
    }
  });

  it("say of a wrong parameter what would be right, after its name", async () => {
    for (const [path, method, params, message] of [
      ["buildrequests", "cancel", { filter: { branch: "" } }, "'filter.branch': must not be empty"],
      ["buildrequests", "cancel", { filter: { state: "old" } }, `'filter.state': must be one of "pending", "running"`],
      ["buildrequests", "cancel", { filter: { brunch: "a" } }, `'filter': has no field "brunch"`],
      ["builds/1", "keep", { reason: "x".repeat(1001) }, "'reason': must have at most 1000 characters"],
      ["buildrequests/1", "approve", { reason: 5 }, "'reason' must be a string"],
    ] as const)
      expect((await call(path, method, params)).body.error, message).toEqual({ code: -32602, message });
  });

  it("force a build with the properties of the form", async () => {
    const { body } = await call("forceschedulers/force", "force", {
      builderid: "1",
      username: "Ann <ann@example.org>",
      reason: "try it",
      priority: "5",
      branch: "main",
      owner: "somebody else",
    });
    const [bsid, requests] = body.result;
    const { body: set } = await server.get(`/api/v2/buildsets/${bsid}`);
    expect(set.buildsets[0]).toMatchObject({
      reason: "A build was forced by 'Ann <ann@example.org>': try it",
      sourcestamps: [{ branch: "main", revision: "", repository: "", project: "", codebase: "" }],
      complete: false,
      results: -1,
    });
    expect((await server.get(`/api/v2/buildrequests/${requests[1]}`)).body.buildrequests[0]).toMatchObject({
      priority: 5,
      builderid: 1,
    });
    expect((await server.get(`/api/v2/buildsets/${bsid}/properties`)).body.properties[0]).toEqual({
      owner: ["Ann <ann@example.org>", "Force Build Form"],
      reason: ["try it", "Force Build Form"],
      scheduler: ["force", "Scheduler"],
    });
  });

  it("do not force what the form does not offer, or while it is disabled", async () => {
    expect((await call("forceschedulers/force", "force", { builderid: 999 })).body.error).toEqual({
      code: -32602,
      message: { builderid: "there is no builder with the id '999'" },
    });
    expect((await call("forceschedulers/force", "force", { builderNames: ["nope"] })).body.error.code).toBe(-32602);
    expect(
      (await call("forceschedulers/force", "force", { builderid: 1, priority: "high" })).body.error.message,
    ).toEqual({ priority: "priority: 'high' is no integer" });
    await call("schedulers/1", "enable", { enabled: false });
    const refused = await call("forceschedulers/force", "force", { builderid: 1 });
    expect([refused.status, refused.body.error.message]).toEqual([400, 'The force scheduler "force" is disabled.']);
  });

  it("rebuild with the same source stamps and properties, linked to the first build", async () => {
    const { body } = await call("builders/hello/builds/1", "rebuild");
    const set = (await server.get(`/api/v2/buildsets/${body.result[0]}`)).body.buildsets[0];
    expect(set).toMatchObject({ reason: "rebuild", rebuilt_buildid: 1, sourcestamps: [{ ssid: 1 }] });
  });

  it("cancel a pending request and raise a priority", async () => {
    const [, requests] = (await call("builds/1", "rebuild")).body.result;
    expect((await call(`buildrequests/${requests[1]}`, "set_priority", { priority: 9 })).body.result).toBeNull();
    expect((await call(`buildrequests/${requests[1]}`, "set_priority", { priority: "x" })).status).toBe(400);
    expect(await value(`select priority from buildrequests where id = ${requests[1]}`)).toBe(9);
    expect((await call(`buildrequests/${requests[1]}`, "cancel", { reason: "no need" })).body.result).toBeNull();
    expect((await server.get(`/api/v2/buildrequests/${requests[1]}`)).body.buildrequests[0]).toMatchObject({
      complete: true,
      results: 6,
    });
  });

  it("report that an object is over, or does not exist", async () => {
    const refusals = [
      await call("builds/1", "stop"),
      await call("buildrequests/1", "cancel"),
      await call("buildrequests/1", "set_priority", { priority: 3 }),
      await call("workers/w2", "kill"),
    ];
    expect(refusals.map(({ status, body }) => [status, body.error.code, body.error.message])).toEqual([
      [409, -32600, "The build 1 has already ended (success), so nothing can be done to it."],
      [409, -32600, "The build request 1 has already ended (success), so nothing can be done to it."],
      [409, -32600, "The build request 1 has already ended (success), so nothing can be done to it."],
      [409, -32600, "The worker w2 is attached to no master, so no master can end it."],
    ]);
  });

  it("wait, when asked to, until the master that holds the object has done it", async () => {
    const [, requests] = (await call("builds/1", "rebuild")).body.result;
    expect((await call(`buildrequests/${requests[1]}`, "cancel", { wait: 61 })).body.error.message).toBe(
      "'wait' must be a number of seconds, at most 60",
    );
    expect((await call(`buildrequests/${requests[1]}`, "cancel", { wait: 60 })).body.result).toEqual({
      complete: true,
      results: 6,
    });
    const { updates } = server.data;
    const [, more] = (await call("builds/1", "rebuild")).body.result;
    await updates.buildrequests.claim([more[1]]);
    const build = await updates.builds.create({ buildrequestid: more[1], workerid: 1 });
    if (build === "lost") throw new Error("the build was not created");
    expect((await call(`builds/${build.buildid}`, "stop", { wait: 0 })).body.result).toMatchObject({ complete: false });
    await server.data.events.onForeignControl("builds", async ({ id, reason }) => {
      if (reason === "now") await updates.builds.finish(id, { results: 6, state: "stopped" });
    });
    const stopped = call(`builds/${build.buildid}`, "stop", { reason: "now", wait: 60 });
    expect((await stopped).body).toMatchObject({ result: { complete: true, results: 6, state_string: "stopped" } });
  });

  it("end a worker immediately by the row, whether or not its master hears the message", async () => {
    const own = await startRestServer(await newDatabase(engine));
    const { updates } = own.data;
    const workerid = (await updates.workers.register(["w3"])).get("w3") as number;
    await updates.workers.attach(workerid, { admin: null, host: null, access_uri: null, version: null });
    const kill = { jsonrpc: "2.0", id: 1, method: "kill", params: { wait: 60 } };
    const killed = own.post("/api/v2/workers/w3", kill);
    await expect.poll(() => updates.workers.states([workerid])).toMatchObject([{ graceful: true, atOnce: true }]);
    await updates.workers.detach(workerid);
    expect((await killed).body.result).toEqual({ attached: false, ended: true });
  });

  it("pause and unpause a worker, and notify the master that has it", async () => {
    const heard: unknown[] = [];
    await server.data.events.onForeignControl(
      "worker",
      ({ id, action, reason }) => void heard.push([id, action, reason]),
    );
    await call("workers/w1", "pause", { reason: "mending" });
    expect((await server.get("/api/v2/workers/1")).body.workers[0]).toMatchObject({
      paused: true,
      pause_reason: "mending",
    });
    await call("workers/w1", "unpause", { reason: "" });
    expect((await server.get("/api/v2/workers/1")).body.workers[0]).toMatchObject({
      paused: false,
      pause_reason: null,
    });
    await expect
      .poll(() => heard)
      .toEqual([
        [1, "pause", "mending"],
        [1, "unpause", "no reason"],
      ]);
  });

  it("are refused when they are nested deeper than anything that can be written", async () => {
    const deep = "[".repeat(7_000) + "]".repeat(7_000);
    for (const field of ["builderid", "priority"]) {
      const body = `{"jsonrpc":"2.0","id":1,"method":"force","params":{"${field}":${deep}}}`;
      const answer = await server.post("/api/v2/forceschedulers/force", body, "application/json");
      expect([answer.status, answer.body.error.message]).toEqual([400, "the call is nested deeper than 256 levels"]);
    }
  });

  it("add a change once per delivery, and only a right one", async () => {
    const added = await call("changes", "add", {
      author: "me",
      comments: "c",
      branch: "main",
      files: ["a"],
      properties: { k: 1 },
      delivery: "d1",
    });
    const again = await call("changes", "add", { author: "me", comments: "c", delivery: "d1" });
    expect(again.body.result).toEqual(added.body.result);
    expect((await server.get(`/api/v2/changes/${added.body.result.changeid}`)).body.changes[0]).toMatchObject({
      author: "me",
      files: ["a"],
      properties: { k: [1, "Change"] },
      revlink: "",
    });
    const wrong = await call("changes", "add", { comments: 5, autor: "me" });
    expect([wrong.status, wrong.body.error.code]).toEqual([400, -32602]);
    expect(wrong.body.error.message).toMatch(/author: .*comments: .*autor/);
  });

  it("add a change by the hook `base`: form, query, JSON fields, dates", async () => {
    const form = new URLSearchParams({
      who: "me <me@x>",
      comments: "hook",
      files: '["f1","f2"]',
      properties: '{"p":[1]}',
      when: "2020-01-02T03:04:05Z",
    });
    const hook = (path: string, body = "") =>
      server.post(`/change_hook/${path}`, body, "application/x-www-form-urlencoded");
    const ok = await hook("base?branch=b1", form.toString());
    expect([ok.status, ok.text]).toEqual([202, "1 change found"]);
    const newest = (await server.get("/api/v2/changes?order=-changeid&limit=1")).body.changes[0];
    expect(newest).toMatchObject({
      author: "me <me@x>",
      branch: "b1",
      files: ["f1", "f2"],
      properties: { p: [[1], "Change"] },
      when_timestamp: 1577934245,
    });
    for (const [query, message] of [
      ["comments=x", "author: "],
      ["author=a&files=x", "files: is not JSON"],
      [
        `author=a&properties={"p":${"[".repeat(1000)}${"]".repeat(1000)}}`,
        "properties: is nested deeper than 200 levels",
      ],
      ["author=a&when=yesterday", 'when_timestamp: "yesterday" is neither seconds since the epoch nor an ISO date'],
    ] as const) {
      const bad = await hook(`base?${query}`);
      expect([bad.status, bad.text.startsWith(message)], query).toEqual([400, true]);
    }
    expect((await server.get("/change_hook/base?author=a")).status).toBe(405);
    expect((await server.get("/change_hook/github")).status).toBe(404);
  });
});

function parseId(text: string): { id: unknown } {
  try {
    return { id: JSON.parse(text).id };
  } catch {
    return { id: undefined };
  }
}
