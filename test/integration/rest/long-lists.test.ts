import { type Database, queryRows } from "@multimaster/database";
import { beforeAll, describe, expect, it } from "vitest";
import { seedRecorded } from "../../harness/rest-recordings.ts";
import { type RestServer, startRestServer } from "../../harness/rest-server.ts";
import { engines, newDatabase } from "../../harness/test-databases.ts";

describe.each(engines)("a list without a limit on %s", (engine) => {
  let server: RestServer;
  let database: Database;
  const count = 12_000;
  beforeAll(async () => {
    database = await newDatabase(engine);
    await seedRecorded(database);
    await queryRows(
      database,
      `insert into builds (id, number, builderid, buildrequestid, masterid, started_at, locks_duration_s, state_string, results, complete_at)
       with recursive n(i) as (select 1 union all select i + 1 from n where i < ${count})
       select 1000 + i, 1000 + i, 1, 1, 1, 1795317255 + i % 7, 0, 'ok', i % 4, 1795317255 from n`,
    );
    server = await startRestServer(database);
  });

  it.each([
    ["builds?builderid=1&number__gt=1000", (i: number) => i],
    ["builds?builderid=1&number__gt=1000&order=-buildid", (i: number) => count - 1 - i],
    ["builds?builderid=1&number__gt=1000&field=buildid&field=builderid&field=number", (i: number) => i],
  ])("%s comes whole and in order, page by page", async (path, at) => {
    const { body } = await server.get(`/api/v2/${path}`);
    expect(body.meta).toEqual({ total: count });
    expect(body.builds.map((build: { buildid: number }) => build.buildid)).toEqual(
      Array.from({ length: count }, (_, i) => 1001 + at(i)),
    );
  });

  it("has each row once in any other order", async () => {
    const { body } = await server.get("/api/v2/builds?number__gt=1000&order=-started_at&order=results");
    expect(new Set(body.builds.map((build: { buildid: number }) => build.buildid)).size).toBe(count);
    const keys = body.builds.map(
      (build: { started_at: number; results: number }) => -build.started_at * 10 + build.results,
    );
    expect(keys).toEqual(keys.toSorted((a: number, b: number) => a - b));
  });

  it("is read to its end by a client that asks for pages until the total is reached, though totals are not counted to the end", async () => {
    const totals: number[] = [];
    let read = 0;
    do {
      const { body } = await server.get(`/api/v2/builds?number__gt=1000&limit=5000&offset=${read}`);
      read += body.builds.length;
      totals.push(body.meta.total);
    } while (read < (totals.at(-1) as number));
    expect([read, totals]).toEqual([count, [10_000, 10_001, count]]);
  });

  it("starts at its offset", async () => {
    const { body } = await server.get("/api/v2/builds?number__gt=1000&offset=100");
    expect([body.meta.total, body.builds.length, body.builds[0].buildid, body.builds.at(-1).buildid]).toEqual([
      count,
      count - 100,
      1101,
      1000 + count,
    ]);
  });

  it("reads the same in indented text", async () => {
    const path = "/api/v2/builds?number__gt=1000";
    const [people, program] = [await server.get(path, { accept: "text/plain" }), await server.get(path)];
    expect(people.text).toBe(JSON.stringify(program.body, undefined, 2));
  });
});
