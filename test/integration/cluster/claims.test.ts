import { EventEmitter, once } from "node:events";
import { type Lease, LeaseLost } from "@multimaster/cluster";
import { type Database, execute, queryRows } from "@multimaster/database";
import { claimTables, contestedWorkers, keepWorker } from "@multimaster/lifecycle";
import { beforeEach, describe, expect, it } from "vitest";
import {
  addRequests,
  addRunningBuild,
  claimOne,
  claimRequests,
  evictDead,
  expire,
  join,
  joinAsEvictor,
  leave,
  releaseOne,
  releaseRequests,
} from "../../harness/members.ts";
import { sharedPostgres } from "../../harness/postgres.ts";
import { table } from "../../harness/table.ts";
import { engines, newDatabase } from "../../harness/test-databases.ts";
import { waitFor } from "../../harness/wait-for.ts";

describe.each(engines)("claims on %s", (engine) => {
  let database: Database;
  let one: Lease;
  let two: Lease;
  beforeEach(async () => {
    database = await newDatabase(engine);
    one = await joinAsEvictor(database);
    two = await joinAsEvictor(database);
  });

  const claimsOf = async (lease: Lease) =>
    (
      await queryRows<{ brid: number }>(
        database,
        "select brid from buildrequest_claims where masterid = ? order by brid",
        [lease.masterid],
      )
    ).map((r) => r.brid);
  const cancel = (table: string, column: string, id: number) =>
    execute(
      database,
      `insert into ${table} (${column}, reason, requested_at${table === "mm_stop_requests" ? ", results" : ""}) values (?, 'no need', 1${table === "mm_stop_requests" ? ", 6" : ""})`,
      [id],
    );

  it("of a thousand build requests by four masters at once give each to exactly one", async () => {
    const leases = [one, two, (await join(database)).lease, (await join(database)).lease];
    const ids = await addRequests(database, 1000);
    const got = await Promise.all(
      leases.map(async (lease) => {
        const mine: number[] = [];
        for (let from = 0; from < ids.length; from += 50) {
          // Everybody wants the same batch first, in an order of their own.
          const batch = ids.slice(from, from + 50).sort(() => Math.random() - 0.5);
          for (let n = 0; n < batch.length; n += 10)
            mine.push(...(await claimRequests(database, lease, batch.slice(n, n + 10))));
        }
        return mine;
      }),
    );
    const left = ids.filter((id) => !got.flat().includes(id));
    got.push(await claimRequests(database, one, left));
    expect(got.flat().sort((a, b) => a - b)).toEqual(ids);
    expect((await Promise.all(leases.map(claimsOf))).flat().sort((a, b) => a - b)).toEqual(ids);
  });

  it("of what is claimed, complete, cancelled or unknown are lost, and the rest of the batch is got", async () => {
    const [free, taken, complete, cancelled] = (await addRequests(database, 4)) as [number, number, number, number];
    await claimRequests(database, two, [taken]);
    await execute(database, "update buildrequests set complete = 1, results = 0 where id = ?", [complete]);
    await cancel("mm_cancellations", "buildrequestid", cancelled);
    expect(await claimRequests(database, one, [taken, complete, cancelled, 4711, free])).toEqual([free]);
    expect(await claimRequests(database, one, [free])).toEqual([]);
    expect(await claimRequests(database, one, [])).toEqual([]);
  });

  it("are released by their owner only, and not once the request is complete", async () => {
    const [mine, done, theirs] = (await addRequests(database, 3)) as [number, number, number];
    await claimRequests(database, one, [mine, done]);
    await claimRequests(database, two, [theirs]);
    await execute(database, "update buildrequests set complete = 1, results = 0 where id = ?", [done]);
    expect(await releaseRequests(database, one, [mine, done, theirs])).toEqual([mine]);
    expect(await claimRequests(database, two, [mine])).toEqual([mine]);
  });

  it("of a master that died go to others: its running builds are RETRY, logs and steps end, nothing of it remains", async () => {
    const [running, waiting, done] = (await addRequests(database, 3)) as [number, number, number];
    await claimRequests(database, one, [running, waiting, done]);
    const build = await addRunningBuild(database, one, running);
    await execute(database, "update buildrequests set complete = 1, results = 0 where id = ?", [done]);
    const places = await takePlaces(database, one);
    await expire(database, one);

    const [eviction] = await evictDead(database, two);
    expect(eviction).toMatchObject({
      masterid: one.masterid,
      outcomes: {
        finishedBuilds: [build.buildid],
        finishedSteps: [build.stepid],
        finishedLogs: [build.logid],
        completedRequests: [],
        released: {
          request: [running, waiting],
          worker: [places.workerid],
          scheduler: [places.schedulerid],
          changeSource: [places.changesourceid],
        },
        stoppedBuilders: [{ builderid: places.builderid, masterid: one.masterid }],
        goneMasters: [one.masterid],
      },
    });
    expect(await table(database, "builds").where({ id: build.buildid }).first()).toMatchObject({
      results: 5,
      complete_at: expect.any(Number),
    });
    expect(
      await table(database, "steps")
        .where({ buildid: build.buildid })
        .orderBy("number")
        .select("results", "complete_at"),
    ).toMatchObject([
      { results: 0, complete_at: 2 },
      { results: 5, complete_at: expect.any(Number) },
    ]);
    expect(await table(database, "logs").first()).toMatchObject({ complete: 1 });
    expect(await table(database, "masters").where({ id: one.masterid }).first()).toMatchObject({ active: 0 });
    for (const name of [
      "scheduler_masters",
      "changesource_masters",
      "builder_masters",
      "connected_workers",
      "mm_worker_attachments",
    ]) {
      expect(await table(database, name).where({ masterid: one.masterid }).select()).toEqual([]);
    }
    expect(await table(database, "configured_workers").select()).toEqual([]);
    expect(await claimsOf(one)).toEqual([done]);
    expect(await claimRequests(database, two, [running, waiting])).toEqual([running, waiting]);
    await expect(claimRequests(database, one, [running])).rejects.toThrow(LeaseLost);
  });

  it("of a master that died on a stopped or cancelled build end CANCELLED with their buildset, and are not run again", async () => {
    const [stopped, cancelled, requeued, notStarted] = (await addRequests(database, 4)) as [
      number,
      number,
      number,
      number,
    ];
    await claimRequests(database, one, [stopped, cancelled, requeued, notStarted]);
    const builds = [];
    for (const brid of [stopped, cancelled, requeued])
      builds.push((await addRunningBuild(database, one, brid)).buildid);
    await cancel("mm_stop_requests", "buildid", builds[0] as number);
    await cancel("mm_cancellations", "buildrequestid", cancelled);
    await cancel("mm_cancellations", "buildrequestid", notStarted);
    await expire(database, one);
    const [eviction] = await evictDead(database, two);
    expect(eviction?.outcomes.completedRequests.sort((a, b) => a - b)).toEqual([stopped, cancelled, notStarted]);
    expect(eviction?.outcomes.released.request).toEqual([requeued]);
    expect(eviction?.outcomes.completedBuildsets).toHaveLength(3);
    const results = async (name: string) =>
      (await table(database, name).orderBy("id").select("results")).map((row) => row.results);
    expect(await results("builds")).toEqual([6, 6, 5]);
    const states = await table(database, "builds").orderBy("id").select("state_string");
    const left = expect.stringMatching(/^cancelled \(.+\); master .+ was lost first: what was left of its clean-up/);
    expect(states.map(({ state_string }) => state_string)).toEqual([left, left, expect.stringMatching(/was lost$/)]);
    const open = await table(database, "steps").where({ buildid: builds[0], results: 6 }).select("state_string");
    expect(open).toEqual([{ state_string: expect.stringMatching(/^master .+ was lost while this step ran$/) }]);
    expect(await results("buildrequests")).toEqual([6, 6, -1, 6]);
    expect(await results("buildsets")).toEqual([6, 6, -1, 6]);
  });

  it("of a master that died between the end of a build and the end of its request are completed, not built twice", async () => {
    const [brid, halfDone] = (await addRequests(database, 2)) as [number, number];
    await claimRequests(database, one, [brid, halfDone]);
    const { buildid } = await addRunningBuild(database, one, brid);
    await execute(database, "update builds set complete_at = 5, results = 2 where id = ?", [buildid]);
    await execute(database, "update buildrequests set complete = 1, results = 0 where id = ?", [halfDone]);
    await expire(database, one);
    const [eviction] = await evictDead(database, two);
    expect(eviction).toMatchObject({
      outcomes: { completedRequests: [brid], released: { request: [] }, finishedBuilds: [] },
    });
    expect(await table(database, "buildsets").orderBy("id").select("complete", "results")).toEqual([
      { complete: 1, results: 2 },
      { complete: 1, results: 0 },
    ]);
  });

  it("are all free after a clean leave, with running builds requeued", async () => {
    const [brid] = (await addRequests(database, 1)) as [number];
    await claimRequests(database, one, [brid]);
    const { buildid } = await addRunningBuild(database, one, brid);
    expect(await leave(database, one)).toMatchObject({
      outcomes: { finishedBuilds: [buildid], released: { request: [brid] } },
    });
    expect(await claimRequests(database, two, [brid])).toEqual([brid]);
  });

  it("of schedulers and change sources go to one master, again to the same, and to the next when released", async () => {
    const { schedulerid, changesourceid } = await addSingletons(database);
    const results = await Promise.all([one, two].map((lease) => claimOne(database, lease, "scheduler", schedulerid)));
    expect(results.map(({ kind }) => kind).sort()).toEqual(["claimed", "lost"]);
    const owner = (await holderOf(database, "scheduler", schedulerid)) === one.masterid ? one : two;
    const other = owner === one ? two : one;
    expect(await claimOne(database, owner, "scheduler", schedulerid)).toEqual({ kind: "claimed" });
    expect(await releaseOne(database, other, "scheduler", schedulerid)).toBe(false);
    expect(await releaseOne(database, owner, "scheduler", schedulerid)).toBe(true);
    expect(await claimOne(database, other, "scheduler", schedulerid)).toEqual({ kind: "claimed" });
    expect(await claimOne(database, one, "changeSource", changesourceid)).toEqual({ kind: "claimed" });
    expect(await holderOf(database, "changeSource", changesourceid)).toBe(one.masterid);
  });

  it("of a former incarnation cannot touch what the next one of the same master has claimed", async () => {
    const { schedulerid } = await addSingletons(database);
    await expire(database, one);
    const reborn = (await join(database, { name: one.name })).lease;
    expect(reborn).toMatchObject({ masterid: one.masterid, epoch: one.epoch + 1 });
    await claimOne(database, reborn, "scheduler", schedulerid);
    expect(await releaseOne(database, one, "scheduler", schedulerid)).toBe(false);
    await expect(claimOne(database, one, "scheduler", schedulerid)).rejects.toThrow(LeaseLost);
    expect(await holderOf(database, "scheduler", schedulerid)).toBe(one.masterid);
  });

  it("of a worker attach it to one master; the holder hears that it knocks elsewhere", async () => {
    const workerid = await addWorker(database);
    expect(await claimOne(database, one, "worker", workerid)).toEqual({ kind: "claimed" });
    expect(await claimOne(database, one, "worker", workerid)).toEqual({ kind: "claimed" });
    expect(await claimOne(database, two, "worker", workerid)).toEqual({ kind: "lost", holder: one.masterid });
    expect(await contestedWorkers(database, one)).toEqual([workerid]);
    expect(await keepWorker(database, one, workerid)).toBe(true);
    expect(await contestedWorkers(database, one)).toEqual([]);
    expect(await releaseOne(database, two, "worker", workerid)).toBe(false);
    expect(await releaseOne(database, one, "worker", workerid)).toBe(true);
    expect(await claimOne(database, two, "worker", workerid)).toEqual({ kind: "claimed" });
    expect(await table(database, "connected_workers").select("workerid", "masterid")).toEqual([
      { workerid, masterid: two.masterid },
    ]);
  });

  it("of a worker at two masters at once attach it to one", async () => {
    const workerid = await addWorker(database);
    const results = await Promise.all([one, two].map((lease) => claimOne(database, lease, "worker", workerid)));
    expect(results.map((result) => result.kind).sort()).toEqual(["claimed", "lost"]);
    expect(await table(database, "connected_workers").select()).toHaveLength(1);
  });

  it.runIf(engine === "postgresql")(
    "of a worker that a dead master left go to one of two that come at once",
    async () => {
      const workerid = await addWorker(database);
      await claimOne(database, one, "worker", workerid);
      // An earlier epoch of its master left it behind: each of two newcomers may take it, and they come together.
      await execute(database, "update mm_worker_attachments set epoch = epoch - 1");
      const three = (await join(database)).lease;
      const postgres = await sharedPostgres();
      const held = new EventEmitter();
      // Not from within the transaction that holds them up, which refuses queries beside it.
      const both = once(held, "held").then(() =>
        Promise.all([two, three].map((lease) => claimOne(database, lease, "worker", workerid))),
      );
      await database.transaction(async (tx) => {
        await queryRows(tx, "select 1 from mm_worker_attachments where workerid = ? for update", [workerid]);
        held.emit("held");
        // Both are in the middle of it now: before they know whose it is, if they lock it, and after, if they do not.
        await waitFor(
          async () =>
            (await postgres.psql("select 1 from pg_stat_activity where wait_event_type = 'Lock'")).length === 2,
          { what: "both masters to come" },
        );
      });
      const results = await both;
      expect(results.map(({ kind }) => kind).sort()).toEqual(["claimed", "lost"]);
      const winner = results[0]?.kind === "claimed" ? two : three;
      expect(await table(database, "mm_worker_attachments").select("masterid")).toEqual([
        { masterid: winner.masterid },
      ]);
    },
  );

  it("of a worker are taken over from a master that died", async () => {
    const workerid = await addWorker(database);
    await claimOne(database, one, "worker", workerid);
    await expire(database, one);
    expect(await claimOne(database, two, "worker", workerid)).toMatchObject({ kind: "lost" });
    await evictDead(database, two);
    expect(await claimOne(database, two, "worker", workerid)).toEqual({ kind: "claimed" });
  });
});

async function holderOf(database: Database, kind: "scheduler" | "changeSource", id: number): Promise<unknown> {
  const { table: name, id: column } = claimTables[kind];
  const [holder] = await table(database, name)
    .where({ [column]: id })
    .select();
  return holder?.masterid;
}

async function addSingletons(database: Database): Promise<{ schedulerid: number; changesourceid: number }> {
  const schedulerid = await table(database, "schedulers").insertOne({ name: "all", name_hash: "all", enabled: 1 });
  const changesourceid = await table(database, "changesources").insertOne({ name: "git", name_hash: "git" });
  return { schedulerid, changesourceid };
}

async function addWorker(database: Database): Promise<number> {
  return table(database, "workers").insertOne({ name: "w1", info: "{}", paused: 0, graceful: 0 });
}

/** One of each thing that a master can hold beside build requests. */
async function takePlaces(database: Database, lease: Lease) {
  const { schedulerid, changesourceid } = await addSingletons(database);
  const workerid = await addWorker(database);
  const builder = await table(database, "builders").first<{ id: number }>();
  const place = { builderid: builder.id, masterid: lease.masterid };
  const buildermasterid = await table(database, "builder_masters").insertOne(place);
  await table(database, "configured_workers").insert({ buildermasterid, workerid });
  await claimOne(database, lease, "scheduler", schedulerid);
  await claimOne(database, lease, "changeSource", changesourceid);
  await claimOne(database, lease, "worker", workerid);
  return { schedulerid, changesourceid, workerid, builderid: builder.id };
}
