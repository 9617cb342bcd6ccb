import { type Database, queryRows } from "@multimaster/database";
import { beforeAll, describe, expect, it } from "vitest";
import { seedRecorded } from "../../harness/rest-recordings.ts";
import { type RestServer, startRestServer } from "../../harness/rest-server.ts";
import { engines, newDatabase } from "../../harness/test-databases.ts";

describe.each(engines)("queries on %s", (engine) => {
  let server: RestServer;
  let database: Database;
  beforeAll(async () => {
    database = await newDatabase(engine);
    await seedRecorded(database);
    // A running build without a worker, and a pending request.
    await queryRows(
      database,
      "insert into buildrequests (id, buildsetid, builderid, priority, complete, results, submitted_at, waited_for) values (50, 5, 3, 7, 0, -1, 1795318000, 0)",
    );
    await queryRows(
      database,
      "insert into buildrequests (id, buildsetid, builderid, priority, complete, results, submitted_at, waited_for) values (51, 5, 3, 7, 0, -1, 1795318000, 0)",
    );
    await queryRows(
      database,
      "insert into buildrequest_claims (brid, masterid, claimed_at) values (51, 1, 1795318001)",
    );
    await queryRows(
      database,
      "insert into builds (id, number, builderid, buildrequestid, masterid, started_at, locks_duration_s, state_string) values (50, 1, 3, 51, 1, 1795318001, 0, '100% of A_B')",
    );
    server = await startRestServer(database);
  });

  const ids = async (path: string) => {
    const { body, status } = await server.get(`/api/v2/${path}`);
    if (status !== 200) throw new Error(`${status} ${body.error}`);
    const [plural] = Object.keys(body).filter((key) => key !== "meta") as [string];
    const id =
      plural === "buildsets"
        ? "bsid"
        : plural === "forceschedulers" || plural === "projects"
          ? "name"
          : `${plural.slice(0, -1)}id`;
    return body[plural].map((item: Record<string, unknown>) => item[id]);
  };

  it.each([
    ["builds", [1, 2, 3, 4, 5, 50]],
    ["builds?order=-buildid", [50, 5, 4, 3, 2, 1]],
    ["builds?order=builderid&order=-number", [5, 4, 1, 3, 2, 50]],
    ["builds?order=complete_at&limit=1", [50]],
    ["builds?order=-complete_at&offset=5", [50]],
    ["builds?order=complete&limit=1", [50]],
    ["builds?complete=false", [50]],
    ["builds?complete=true&builderid=2", [2, 3]],
    ["builds?complete__ne=true", [50]],
    ["builds?complete=true&complete=false", [1, 2, 3, 4, 5, 50]],
    ["builds?results__ne=0", [2, 50]],
    ["builds?results__notin=0&results__notin=4", [50]],
    ["builds?workerid__ne=1", [50]],
    ["builds?buildid__gt=1&buildid__le=3", [2, 3]],
    ["builds?buildid__lt=99999999999999999999", [1, 2, 3, 4, 5, 50]],
    ["builds?buildid=99999999999", []],
    ["builds?buildid=99999999999&buildid=5", [5]],
    ["builds?state_string__contains=100%25", [50]],
    ["builds?state_string__contains=a_b", []],
    ["builds?state_string__contains=A_B&state_string__contains=exception", [2, 50]],
    ["builds?buildrequestid=51", [50]],
    ["builders/slow/builds", [50]],
    ["builders/nope/builds", []],
    ["builders/999/builds", []],
    ["builders?tags__contains=demo", [1]],
    ["builders?tags=demo", []],
    ["builders?tags__ne=demo", [1, 2, 3]],
    ["builders?masterids__contains=1&order=-name", [3, 1, 2]],
    ["builders?name__in=hello&name__in=slow", [1, 3]],
    ["builders?projectid=1", [1]],
    ["changes?files__contains=src/a.c", [1]],
    ["changes?files__contains=src", []],
    ["workers?paused=false&graceful=no", [1, 2]],
    ["workers?paused=1", []],
    ["buildrequests?claimed=false", [50]],
    ["buildrequests?claimed=true&complete=false", [51]],
    ["buildrequests?claimed_by_masterid=1&complete=0", [51]],
    ["buildrequests?order=-priority&order=buildrequestid&limit=3", [50, 51, 1]],
    ["buildsets?complete=true&limit=1", [1]],
    ["forceschedulers?name=force", ["force"]],
    ["forceschedulers?name=other", []],
    ["forceschedulers?builder_names__contains=slow", ["force"]],
    ["builders/hello/forceschedulers", ["force"]],
    ["projects?active=false", []],
    ["builders/slow/buildrequests", [50, 51]],
    ["schedulers/force", [1]],
  ])("%s finds %j", async (path, expected) => {
    expect(await ids(path)).toEqual(expected);
  });

  it.each([
    ["builds?limit=2", 6, 2],
    ["builds?limit=2&offset=5", 6, 1],
    ["builds?limit=2&offset=50", 6, 0],
    ["builds?limit=0", 6, 0],
    ["builds?complete=true&limit=1&offset=1", 5, 1],
    ["buildrequests?claimed=false&limit=1", 1, 1],
  ])("%s reports the true total", async (path, total, count) => {
    const { body } = await server.get(`/api/v2/${path}`);
    const [list] = Object.values(body).filter(Array.isArray) as unknown[][];
    expect([body.meta.total, list?.length]).toEqual([total, count]);
  });

  it("keeps only the chosen fields, also related ones", async () => {
    expect((await server.get("/api/v2/builders/1?field=name&field=tags")).body).toEqual({
      builders: [{ name: "hello", tags: ["demo", "quick"] }],
      meta: {},
    });
    expect((await server.get("/api/v2/builders?field=tags&limit=1")).body.builders).toEqual([
      { tags: ["demo", "quick"] },
    ]);
  });

  it("fills in the properties that are asked for", async () => {
    const { body } = await server.get("/api/v2/builds/1?property=owner&property=nothing");
    expect(body.builds[0].properties).toEqual({ owner: ["u <u@example.org>", "Force Build Form"] });
    expect(
      Object.keys((await server.get("/api/v2/buildrequests/1?property=*")).body.buildrequests[0].properties),
    ).toContain("scheduler");
    expect((await server.get("/api/v2/buildrequests/50?property=*")).body.buildrequests[0].properties).toEqual({});
  });

  it.each([
    ["builds?order=properties", "cannot order on field 'properties'"],
    ["builders?order=tags", "cannot order on field 'tags'"],
    ["builders?tags__lt=a", "invalid filter value for tags"],
    ["builds?limit=-1", "invalid limit"],
  ])("%s is refused with a sentence", async (path, error) => {
    const { status, body, contentType } = await server.get(`/api/v2/${path}`);
    expect([status, body, contentType]).toEqual([400, { error }, "text/plain; charset=utf-8"]);
  });

  it("answers people in indented text, programs in JSON with sorted keys", async () => {
    const people = await server.get("/api/v2/masters/1", { accept: "text/html" });
    expect(people.contentType).toBe("text/plain; charset=utf-8");
    expect(people.text).toContain('{\n  "masters": [\n    {\n      "active": true,');
    const program = await server.get("/api/latest/masters/1", { accept: "text/html, application/json" });
    expect(program.text).toMatch(
      /^{"masters":\[{"active":true,"last_active":\d+,"masterid":1,"name":"host-a:\/srv\/master"}\],"meta":{}}$/,
    );
  });

  it("answers other pages only when their origin is allowed", async () => {
    const refused = await server.get("/api/v2/masters", { origin: "http://evil.example" });
    expect([refused.status, refused.body]).toEqual([400, { error: "invalid origin" }]);
    const own = await server.get("/api/v2/masters", { origin: new URL(server.url).origin });
    expect([own.status, own.headers.get("access-control-allow-origin")]).toEqual([200, new URL(server.url).origin]);
    const open = await startRestServer(database, { allowedOrigins: ["https://*.example.org"] });
    const preflight = await fetch(new URL("/api/v2/builds", open.url), {
      method: "OPTIONS",
      headers: { origin: "https://CI.example.org", "access-control-request-method": "POST" },
    });
    expect([preflight.status, await preflight.text(), preflight.headers.get("access-control-allow-headers")]).toEqual([
      200,
      "",
      "Content-Type",
    ]);
  });

  it("has no other methods than GET, HEAD and POST", async () => {
    for (const method of ["PUT", "DELETE", "PATCH", "OPTIONS"]) {
      const response = await fetch(new URL("/api/v2/builds", server.url), { method });
      expect([response.status, await response.json()], method).toEqual([400, { error: "invalid HTTP method" }]);
    }
    const head = await fetch(new URL("/api/v2/builds", server.url), { method: "HEAD" });
    expect([head.status, await head.text(), Number(head.headers.get("content-length")) > 100]).toEqual([200, "", true]);
  });

  it("says where the API is", async () => {
    expect((await server.get("/api")).body).toEqual({ api_versions: { v2: `${server.url}api/v2` } });
  });
});
