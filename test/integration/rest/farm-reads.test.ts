import { equals, findItems, workers as workersResource } from "@multimaster/data";
import { type Database, execute } from "@multimaster/database";
import { beforeAll, describe, expect, it } from "vitest";
import { buildsetFor } from "../../harness/masters-with-data.ts";
import { join } from "../../harness/members.ts";
import { type RestServer, startRestServer } from "../../harness/rest-server.ts";
import { engines, newDatabase } from "../../harness/test-databases.ts";
import { updatesOf } from "../../harness/updates-of.ts";

// A large farm as docs/scale.md describes it: what a page asks for has at most a megabyte.
const workers = Array.from({ length: 2000 }, (_, i) => `worker-${i}`);
const names = Array.from({ length: 500 }, (_, i) => `builder-${i}`);
const requestsOfBuilder = 3;
const megabyte = 1_000_000;

describe.each(engines)("a farm of 500 builders, each for all of 2,000 workers, on %s", (engine) => {
  let database: Database;
  let server: RestServer;
  const get = (path: string) => server.get(`/api/v2/${path}`);

  /** What a read answers, and the statements that it takes. */
  async function read(path: string) {
    const statements: string[] = [];
    const unwatch = database.watch(({ sql }) => statements.push(sql));
    const { status, text, body } = await get(path);
    unwatch();
    expect(status).toBe(200);
    return { bytes: Buffer.byteLength(text), body, statements: statements.filter((sql) => !sql.includes("mm_leases")) };
  }

  beforeAll(async () => {
    database = await newDatabase(engine);
    server = await startRestServer(database);
    const builders = names.map((name) => {
      return { name, description: null, tags: [], project: null, workers, directory: name };
    });
    for (const name of ["engine-a", "engine-b"]) {
      const { lease } = await join(database, { name });
      const updates = updatesOf(database, lease);
      await updates.builders.configure(builders);
      const half = `select ${lease.masterid}, id from workers where id % 2 = ${lease.masterid % 2}`;
      await execute(database, `insert into connected_workers (masterid, workerid) ${half}`);
      if (name === "engine-b")
        for (let n = 0; n < requestsOfBuilder; n++) await updates.buildsets.add(buildsetFor(...names));
    }
    await execute(database, "update workers set paused = 1");
  });

  it.each([
    ["workers", 2000],
    ["workers?order=name&limit=100&offset=0", 100],
    ["workers?limit=2000", 2000],
    ["builders/1/workers", 2000],
    ["builders", 500],
    ["waiting", 500],
    ["waiting?limit=100000", 500],
    ["waiting?order=since&limit=300", 300],
    ["waiting/builders", 500],
    ["builders/1/waiting", requestsOfBuilder],
  ])("%s has at most a megabyte", async (path, count) => {
    const { bytes, body } = await read(path);
    const { meta: _, ...lists } = body;
    expect(Object.values<object[]>(lists)[0]).toHaveLength(count);
    expect(bytes).toBeLessThan(megabyte);
  });

  it("says how many more requests wait than it explains, and lists all of them without the reasons", async () => {
    const total = names.length * requestsOfBuilder;
    for (const path of ["waiting", "waiting?limit=100000"]) expect((await get(path)).body.meta).toEqual({ total });
    const next = await get("waiting?offset=1400");
    expect(next.body.waiting).toHaveLength(100);
    const plain = await get("waiting?field=buildrequestid");
    expect(plain.body.waiting).toHaveLength(total);
  });

  it("explains builders once, however many requests of them wait", async () => {
    const [few, many] = [await read("waiting?limit=10"), await read("waiting?limit=500")];
    expect(many.statements.length).toBe(few.statements.length);
    expect(many.statements.length).toBeLessThan(13);
  });

  it("shows all places of a worker that is read alone, and some of them in an event", async () => {
    const alone = (await get("workers/worker-7")).body.workers[0];
    expect(alone.configured_on).toHaveLength(2 * names.length);
    const { rows } = (await findItems(workersResource, database, {
      filters: [equals("workerid", alone.workerid)],
    })) as { rows: { configured_on: object[] }[] };
    expect(rows[0]?.configured_on).toEqual(alone.configured_on.slice(0, 100));
  });

  it("reads nothing of what is not asked for", async () => {
    const { statements } = await read("workers?field=workerid&field=name&limit=10");
    expect(statements.filter((sql) => /builder|connected|worker_set/.test(sql))).toEqual([]);
    const whole = await read("workers?limit=10");
    expect(whole.statements.filter((sql) => /mm_builder_workers/.test(sql)).length).toBeGreaterThan(0);
  });
});
