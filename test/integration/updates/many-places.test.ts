import { type Database, execute, queryRows } from "@multimaster/database";
import { beforeAll, describe, expect, it } from "vitest";
import { buildsetFor } from "../../harness/masters-with-data.ts";
import { join } from "../../harness/members.ts";
import { type RestServer, startRestServer } from "../../harness/rest-server.ts";
import { engines, newDatabase } from "../../harness/test-databases.ts";
import { updatesOf } from "../../harness/updates-of.ts";

// A farm where every builder may run on every worker: nothing may grow with workers × builders × engines.
const workerCount = 200;
const builderCount = 60;
const workers = Array.from({ length: workerCount }, (_, i) => `worker-${i}`);
const names = Array.from({ length: builderCount }, (_, i) => `builder-${i}`);
const info = { admin: null, host: null, access_uri: null, version: "1" };

const builder = (name: string, its: readonly string[]) => ({
  name,
  description: null,
  tags: [],
  project: null,
  workers: its,
  directory: name,
});

type Updates = ReturnType<typeof updatesOf>;

describe.each(engines)("a farm where everything may run everywhere, on %s", (engine) => {
  let database: Database;
  let server: RestServer;
  let updates: Updates[];
  const count = async (table: string) =>
    Number((await queryRows<{ n: number }>(database, `select count(*) as n from ${table}`))[0]?.n);
  const get = async (path: string) => server.get(`/api/v2/${path}`);
  const configureAll = (its: Updates) => its.builders.configure(names.map((name) => builder(name, workers)));

  beforeAll(async () => {
    database = await newDatabase(engine);
    server = await startRestServer(database);
    updates = [];
    for (const name of ["engine-a", "engine-b"]) {
      const { lease } = await join(database, { name });
      updates.push(updatesOf(database, lease));
    }
    for (const its of updates) await configureAll(its);
    const ids = await (updates[0] as Updates).workers.register(workers);
    for (const [i, id] of [...ids.values()].entries()) {
      await (updates[i % 2] as Updates).workers.attach(id, info, 1);
      await (updates[i % 2] as Updates).workers.setPaused(id, true, "night");
    }
    for (let i = 0; i < 3; i++) await (updates[0] as Updates).buildsets.add(buildsetFor(...names));
  });

  it("has a row for each worker and for each builder, not for each pair; an engine that starts again adds none", async () => {
    const counts = async () =>
      Promise.all(["mm_worker_set_members", "mm_builder_workers", "configured_workers"].map(count));
    expect(await counts()).toEqual([workerCount, 2 * builderCount, 0]);
    const sets = await queryRows(database, "select id from mm_worker_sets");
    const one = updates[0] as Updates;
    await one.builders.configure([]);
    expect(await counts()).toEqual([workerCount, builderCount, 0]);
    await configureAll(one);
    expect(await counts()).toEqual([workerCount, 2 * builderCount, 0]);
    expect(await queryRows(database, "select id from mm_worker_sets")).toEqual(sets);
    expect(await one.builders.mirrorWorkers()).toBe(false);
  });

  it("lists workers with as many entries as fit, a single one with all of them", async () => {
    const { body } = await get("workers");
    expect(body.workers).toHaveLength(workerCount);
    const sizes: number[] = body.workers.map(({ configured_on }: { configured_on: object[] }) => configured_on.length);
    expect(Math.min(...sizes)).toBeGreaterThan(0);
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThanOrEqual(8000);
    const alone = (await get("workers/worker-7")).body.workers[0];
    expect(alone.configured_on).toHaveLength(2 * builderCount);
    expect((await get(`workers/${alone.workerid}/builders`)).body.builders).toHaveLength(builderCount);
    expect((await get("builders/builder-7")).body.builders[0].masterids).toHaveLength(2);
    expect((await get(`builders/${alone.configured_on[0].builderid}/workers`)).body.workers).toHaveLength(workerCount);
  });

  it("names a few workers in each reason, and says how many more there are", async () => {
    const busy = await get("waiting?limit=50");
    for (const { reasons } of busy.body.waiting)
      expect(reasons.at(-1)).toMatchObject({ kind: "worker_paused", facts: { more: workerCount / 2 - 5 } });
    await execute(database, "delete from connected_workers");
    const away = await get("waiting?limit=50");
    for (const { reasons } of away.body.waiting)
      expect(reasons).toEqual([
        expect.objectContaining({ facts: expect.objectContaining({ away_more: workerCount - 20 }) }),
      ]);
    const byBuilder = await get("waiting/builders");
    expect(byBuilder.body.waiting_builders).toHaveLength(builderCount);
    for (const { text } of [busy, away, byBuilder]) expect(text.length / 50).toBeLessThan(4000);
  });

  it("has no list whose entries grow with the farm", async () => {
    const lists = [
      "workers",
      "builders",
      "waiting",
      "waiting/builders",
      "masters",
      "members",
      "buildrequests",
      "cluster",
    ];
    for (const path of [
      ...lists,
      "buildsets",
      "schedulers",
      "projects",
      "forceschedulers",
      "schedules",
      "stalls",
      "orders",
    ]) {
      const answer = await get(path);
      expect([path, answer.status]).toEqual([path, 200]);
      const largest = Math.max(0, ...itemsOf(answer.body).map((item) => JSON.stringify(item).length));
      expect(largest, path).toBeLessThan(4000);
    }
  });

  it("is written out for Buildbot's masters, and for those of a release that knows no sets, while one is live", async () => {
    const one = updates[0] as Updates;
    await execute(
      database,
      `insert into masters (name, name_hash, active, last_active) values ('buildbot', 'buildbot', 1, ${database.dialect.nowSeconds})`,
    );
    let steps = 0;
    while (await one.builders.mirrorWorkers()) steps++;
    expect([steps, await count("configured_workers")]).toEqual([builderCount / 10, workerCount * builderCount]);
    // Once written, it follows each change.
    await one.builders.configure(names.map((name, i) => builder(name, i === 0 ? workers.slice(1) : workers)));
    while (await one.builders.mirrorWorkers());
    expect(await count("configured_workers")).toBe(workerCount * builderCount - 1);
    expect((await get("workers/worker-0")).body.workers[0].configured_on).toHaveLength(2 * builderCount - 1);
  });
});

describe.each(engines)("workers of builders on %s", (engine) => {
  it("are read as they were configured, whichever masters have written them", async () => {
    const database = await newDatabase(engine);
    const server = await startRestServer(database);
    const masters = [];
    for (const name of ["a", "b", "c"]) {
      const { lease } = await join(database, { name });
      masters.push({ masterid: lease.masterid, updates: updatesOf(database, lease) });
    }
    let state = 7;
    const random = (below: number) => (state = (state * 48271) % 2147483647) % below;
    const some = (from: readonly string[]) => from.filter(() => random(3) === 0);
    const model = new Map<string, readonly string[]>();
    for (let round = 0; round < 4; round++) {
      for (const { masterid, updates } of masters) {
        for (const key of [...model.keys()]) if (key.startsWith(`${masterid} `)) model.delete(key);
        const its = some(names.slice(0, 6)).map((name) => builder(name, some(workers.slice(0, 8))));
        await updates.builders.configure(its);
        for (const { name, workers: set } of its) model.set(`${masterid} ${name}`, set);
        // As a master of an earlier release leaves it, or Buildbot's.
        if (round % 2 === 1 && masterid === masters[2]?.masterid) {
          await execute(
            database,
            "delete from mm_builder_workers where buildermasterid in (select id from builder_masters where masterid = ?)",
            [masterid],
          );
        }
      }
      await expectModel(server, model);
    }
  });
});

function itemsOf({ meta: _, ...lists }: Record<string, object[]>): object[] {
  return Object.values(lists)[0] ?? [];
}

async function expectModel(server: RestServer, model: ReadonlyMap<string, readonly string[]>): Promise<void> {
  const list = async (path: string) => itemsOf((await server.get(`/api/v2/${path}`)).body) as Row[];
  const builders = new Map((await list("builders")).map((row) => [row.builderid, row.name]));
  const all = await list("workers");
  const shown = (of: readonly Row[]) =>
    of.flatMap(({ name, configured_on }) =>
      configured_on.map(({ masterid, builderid }) => `${masterid} ${builders.get(builderid)} ${name}`),
    );
  const expected = [...model].flatMap(([place, its]) => its.map((name) => `${place} ${name}`));
  expect(shown(all).toSorted()).toEqual(expected.toSorted());
  for (const { name } of all) {
    const [alone] = (await list(`workers/${name}`)) as [Row];
    expect(shown([alone]).toSorted()).toEqual(expected.filter((each) => each.endsWith(` ${name}`)).toSorted());
  }
  for (const [builderid, builder] of builders) {
    const its = new Set([...model].flatMap(([place, of]) => (place.endsWith(` ${builder}`) ? of : [])));
    expect((await list(`builders/${builderid}/workers`)).map(({ name }) => name).toSorted()).toEqual(
      [...its].toSorted(),
    );
  }
}

interface Row {
  name: string;
  builderid: number;
  configured_on: { masterid: number; builderid: number }[];
}
