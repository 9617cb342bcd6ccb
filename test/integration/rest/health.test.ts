import { execute } from "@multimaster/database";
import { describe, expect, it } from "vitest";
import { startRestServer } from "../../harness/rest-server.ts";
import { engines, newDatabase } from "../../harness/test-databases.ts";

describe.each(engines)("the health of each part on %s", (engine) => {
  it("comes with a sentence, and with a remedy where something is wrong", async () => {
    const database = await newDatabase(engine);
    const server = await startRestServer(database);
    const read = async () => {
      const { body } = await server.get("/api/v2/standing");
      const { standing } = body as {
        standing: { part: string; state: string; sentence: string; remedy: string | null }[];
      };
      return new Map(standing.map(({ part, ...rest }) => [part, rest]));
    };
    const before = await read();
    expect([...before.keys()]).toEqual([
      "database",
      ...(engine === "sqlite" ? ["disk"] : []),
      "messages",
      "role builder-engine",
      "role scheduler",
      "role ui",
      "retention",
      "reports",
      "history",
    ]);
    for (const part of ["database", "retention", "reports"])
      expect(before.get(part)).toMatchObject({ state: "ok", remedy: null });
    expect(before.get("role scheduler")).toMatchObject({
      state: "down",
      remedy: "Start one: master start --role scheduler",
    });

    await execute(database, "insert into mm_jobs (name) values ('retention')");
    await execute(database, "insert into mm_retention_runs (masterid, started_at, report) values (1, 1000, '{}')");
    for (const [id, failing] of [
      [7, "1000"],
      [8, "null"],
    ])
      await execute(
        database,
        `insert into mm_reporters (id, name, type, configured, failing_since) values (${id}, 'r${id}', 'http-push', 1, ${failing})`,
      );
    const after = await read();
    expect(after.get("retention")).toMatchObject({
      state: "degraded",
      sentence: "A run that began at 1970-01-01 00:16:40 UTC has not ended, and no master goes on with it.",
      remedy: expect.stringContaining("role scheduler"),
    });
    expect(after.get("reports")).toMatchObject({
      state: "degraded",
      sentence: "1 of 2 reporters fail, the longest since 1970-01-01 00:16:40 UTC; reports wait and are tried again.",
      remedy: expect.stringContaining("master report list"),
    });
  });
});

describe("a ui master", () => {
  it("reports that it is alive, and whether it can take work", async () => {
    let reasons: true | string[] = true;
    const server = await startRestServer(await newDatabase("sqlite"), {}, () => reasons);
    expect((await server.get("/health")).body).toEqual({
      status: "ok",
      master: expect.stringContaining("host-ui"),
      bus: { kind: "in-process", state: "connected", degradedSince: null },
    });
    expect(await server.get("/ready")).toMatchObject({ status: 200, body: { ready: true } });
    reasons = ["scheduler: draining"];
    expect(await server.get("/ready")).toMatchObject({ status: 503, body: { ready: false, reasons } });
  });

  it("counts what it is asked", async () => {
    const server = await startRestServer(await newDatabase("sqlite"));
    await server.get("/api/v2/masters");
    await expect
      .poll(async () => (await server.get("/metrics")).text)
      .toContain('multimaster_http_request_seconds_count{method="GET",area="api",status="200"} 1');
  });

  it("has a page that leads to the API, and nothing where nothing is", async () => {
    const server = await startRestServer(await newDatabase("sqlite"), { title: "<Acme & Co>" });
    const home = await server.get("/", { accept: "text/html" });
    expect([home.status, home.contentType, home.text.includes("&#60;Acme &#38; Co&#62;")]).toEqual([
      200,
      "text/html; charset=utf-8",
      true,
    ]);
    expect((await server.get("/nothing")).status).toBe(404);
  });

  it("answers for its cluster with no other role beside it", async () => {
    const server = await startRestServer(await newDatabase("sqlite"));
    const { body } = await server.get("/api/v2/masters");
    expect(body).toMatchObject({ masters: [{ active: true }], meta: { total: 1 } });
    for (const list of [
      "builders",
      "builds",
      "buildrequests",
      "buildsets",
      "changes",
      "workers",
      "schedulers",
      "changesources",
      "forceschedulers",
      "projects",
      "sourcestamps",
    ]) {
      expect((await server.get(`/api/v2/${list}`)).body, list).toEqual({ [list]: [], meta: { total: 0 } });
    }
  });

  it("refuses a body that is too large before it is in memory", async () => {
    const server = await startRestServer(await newDatabase("sqlite"));
    const answer = await server.post(
      "/change_hook/base",
      `author=${"x".repeat(17 * 1024 * 1024)}`,
      "application/x-www-form-urlencoded",
    );
    expect([answer.status, answer.text]).toEqual([
      413,
      "The request's body is larger than the 16777216 bytes that are accepted.\n",
    ]);
    expect((await server.get("/health")).status).toBe(200);
  });
});
