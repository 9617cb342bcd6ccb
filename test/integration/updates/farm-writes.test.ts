import { type Database, execute, queryRows } from "@multimaster/database";
import { beforeAll, describe, expect, it } from "vitest";
import { countWrites } from "../../harness/count-writes.ts";
import { join, leave } from "../../harness/members.ts";
import { engines, newDatabase } from "../../harness/test-databases.ts";
import { updatesOf } from "../../harness/updates-of.ts";

// What an engine writes when it starts grows with what changed, never with workers × builders.
const workerCount = 400;
const builderCount = 50;
const workers = Array.from({ length: workerCount }, (_, i) => `worker-${i}`);
const numbers = Array.from({ length: builderCount }, (_, i) => i);
const builder = (i: number, its: readonly string[] = workers, maxBuilds: number | null = null) => ({
  name: `builder-${i}`,
  description: null,
  tags: ["farm"],
  project: "farm",
  workers: its,
  maxBuilds,
  directory: `builder-${i}`,
  maxEngineDeaths: 3,
  maxWorkerLosses: 10,
});
const all = numbers.map((i) => builder(i));
/** In builder_masters and mm_builder_workers: they go when an engine ends, as Buildbot's do. */
const rowsOfPlace = 2;

describe.each(engines)("an engine with %s, whose builders may run on every worker,", (engine) => {
  let database: Database;
  /** The rows that a new incarnation of the engine writes of its builders. */
  async function start(name: string, builders: readonly ReturnType<typeof builder>[]) {
    const { lease } = await join(database, { name });
    const { builders: its } = updatesOf(database, lease);
    const written = await countWrites(database, () => its.configure(builders));
    return { lease, its, written };
  }

  beforeAll(async () => {
    database = await newDatabase(engine);
  });

  it("writes each worker and each builder once, and little of each builder when it starts again", async () => {
    const first = await start("engine-a", all);
    expect(first.written.rows).toBeLessThan(3 * workerCount + 8 * builderCount);
    const other = await start("engine-b", all);
    expect(other.written.rows).toBeLessThanOrEqual((rowsOfPlace + 3) * builderCount);

    const end = await countWrites(database, () => first.its.configure([]));
    expect(end.rows).toBe(rowsOfPlace * builderCount);
    await leave(database, first.lease);
    const again = await start("engine-a", all);
    expect(again.written.rows).toBe(rowsOfPlace * builderCount);
    expect(again.written.statements).toBeLessThan(20);
  });

  it("writes nothing of what is written, and of a changed builder only its own rows", async () => {
    const { its } = await start("engine-c", all);
    expect((await countWrites(database, () => its.configure(all))).rows).toBe(0);
    const changed = all.map((one, i) => (i === 7 ? builder(i, workers, 5) : one));
    expect((await countWrites(database, () => its.configure(changed))).rows).toBe(1);
    const fewer = changed.map((one, i) => (i === 8 ? builder(i, workers.slice(1)) : one));
    // A set with its members, and the builder's row that names it.
    expect((await countWrites(database, () => its.configure(fewer))).rows).toBe(workerCount + 1);
  });

  it("forgets what was offered by an engine that has been away for a month", async () => {
    const gone = await start("engine-gone", all);
    await leave(database, gone.lease);
    const offered = async () => {
      const rows = await queryRows<{ n: number }>(
        database,
        "select count(*) as n from mm_builder_offers where masterid = ?",
        [gone.lease.masterid],
      );
      return Number(rows[0]?.n);
    };
    const { its } = await start("engine-e", all);
    expect(await offered()).toBe(builderCount);
    const past = "update mm_leases set expires_at = expires_at - 31 * 24 * 3600 where masterid = ?";
    await execute(database, past, [gone.lease.masterid]);
    await its.configure(all);
    expect(await offered()).toBe(0);
  });

  it("writes no row for each pair while the other live masters read sets of workers", async () => {
    const { its } = await start("engine-d", all);
    await join(database, { name: "newer", release: "another" });
    expect(await its.mirrorWorkers()).toBe(false);
    await join(database, { name: "older", release: "first", dataVersions: { oldest: 1, newest: 1 } });
    expect(await its.mirrorWorkers()).toBe(true);
    const [row] = await queryRows<{ n: number }>(database, "select count(*) as n from configured_workers");
    expect(Number(row?.n)).toBe(10 * workerCount);
  });
});
