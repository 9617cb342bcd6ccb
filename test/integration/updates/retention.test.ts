import { Results } from "@multimaster/core";
import {
  anonymousActor,
  auditDatabase,
  createTrail,
  dryRunRetention,
  type RetentionPlan,
  SettledParts,
} from "@multimaster/data";
import { execute, queryRows } from "@multimaster/database";
import { beforeEach, describe, expect, it } from "vitest";
import {
  buildsetFor,
  claimedRequest,
  type Member,
  runningBuild,
  startMasters,
  type TestMasters,
} from "../../harness/masters-with-data.ts";
import { engines } from "../../harness/test-databases.ts";

const day = 86_400_000;
const plan = (...rules: RetentionPlan["rules"]): RetentionPlan => ({
  rules,
  youngest: day,
  keepLastSuccess: false,
  schedulers: [],
});
const old = { name: "old", delete: "builds", olderThan: 10 * day } as const;

describe.each(engines)("retention on %s", (engine) => {
  let masters: TestMasters;
  let one: Member;
  let two: Member;
  let jobid: number;
  beforeEach(async () => {
    masters = await startMasters(engine);
    one = await masters.join();
    two = await masters.join();
    jobid = await one.updates.retention.register();
    await one.updates.retention.claim(jobid);
  });

  /** A build with a step and a log, which ended so many seconds ago. */
  async function endedBuild(
    agoS: number,
    { builder = "a", results = Results.SUCCESS as number, branch = "main", lines = "o1\no2\n" } = {},
  ) {
    const build = await runningBuild(one, builder);
    const { buildid } = build;
    const { stepid } = await one.updates.steps.begin({ buildid, name: "s" });
    const { logid } = await one.updates.logs.add({ stepid, name: "stdio", type: "s" }, lines, true);
    await one.updates.steps.finish(stepid, { results: 0, state: "done", hidden: false });
    await one.updates.builds.finish(buildid, { results: results as 0, state: "done" });
    await one.updates.close();
    await setAge(build, agoS);
    if (branch !== "main") {
      const stampid = await masters.value(
        `insert into sourcestamps (ss_hash, branch, revision, repository, codebase, project, created_at)
         values (?, ?, 'r', 'x', '', '', 1) returning id`,
        [`${branch}${buildid}`, branch],
      );
      await execute(
        masters.database,
        `update buildset_sourcestamps set sourcestampid = ?
          where buildsetid = (select buildsetid from buildrequests where id = ?)`,
        [stampid, build.buildrequestid],
      );
    }
    return { ...build, stepid, logid };
  }

  async function setAge(build: { buildid: number; buildrequestid: number }, agoS: number): Promise<void> {
    const at = `${masters.database.dialect.nowSeconds} - ${agoS}`;
    await execute(masters.database, `update builds set started_at = ${at}, complete_at = ${at} where id = ?`, [
      build.buildid,
    ]);
    await execute(masters.database, `update buildrequests set submitted_at = ${at}, complete_at = ${at} where id = ?`, [
      build.buildrequestid,
    ]);
  }

  /** Fifteen builders, each with two old builds. */
  async function addBuilders(): Promise<void> {
    const [{ id, masterid } = { id: 0, masterid: 0 }] = await masters.rows<{ id: number; masterid: number }>(
      "select max(id) as id, max(masterid) as masterid from builds",
    );
    const ago = `${masters.database.dialect.nowSeconds} - ${20 * 86_400}`;
    const numbers = Array.from({ length: 15 }, (_, i) => id + 1 + i);
    const insert = (table: string, columns: string, rows: string[]) =>
      execute(masters.database, `insert into ${table} (${columns}) values ${rows.map((row) => `(${row})`).join(", ")}`);
    await insert(
      "builders",
      "id, name, name_hash",
      numbers.map((n) => `${n + 1000}, 'many-${n}', 'many-${n}'`),
    );
    const ids = numbers.flatMap((n) => [n, n + 15]);
    const builderOf = (n: number) => (n > id + 15 ? n - 15 : n) + 1000;
    await insert(
      "buildsets",
      "id, submitted_at, complete, complete_at, results",
      ids.map((n) => `${n + 1000}, ${ago}, 1, ${ago}, 0`),
    );
    await insert(
      "buildrequests",
      "id, buildsetid, builderid, complete, results, submitted_at, complete_at",
      ids.map((n) => `${n + 1000}, ${n + 1000}, ${builderOf(n)}, 1, 0, ${ago}, ${ago}`),
    );
    await insert(
      "builds",
      "id, number, builderid, buildrequestid, masterid, started_at, complete_at, locks_duration_s, state_string, results",
      ids.map((n) => `${n + 1000}, ${n}, ${builderOf(n)}, ${n + 1000}, ${masterid}, ${ago}, ${ago}, 0, 'built', 0`),
    );
  }

  const run = (member: Member, wanted: RetentionPlan, signal = new AbortController().signal, counted?: () => void) =>
    member.updates.retention.run({ jobid, plan: wanted, everyMs: 0, signal, ...(counted ? { counted } : {}) });
  const ids = async (table: string, id = "id") =>
    (await masters.rows<{ id: number }>(`select ${id} as id from ${table} order by 1`)).map((row) => row.id);
  const findings = async () =>
    (await auditDatabase(masters.database, { graceSeconds: 0 })).findings.map(({ check, ids }) => ({ check, ids }));
  const report = async () =>
    JSON.parse((await masters.value("select report from mm_retention_runs order by id desc limit 1")) as string);

  it("deletes an old build with all that is part of it, and nothing that is newer, runs, or is needed", async () => {
    const gone = await endedBuild(11 * 86_400);
    const parent = await endedBuild(11 * 86_400);
    await one.updates.buildsets.add({ ...buildsetFor("b"), parentBuildid: parent.buildid, parentRelationship: "x" });
    const kept = await endedBuild(11 * 86_400);
    const trail = createTrail(anonymousActor, "keep", `builds/${kept.buildid}`);
    await one.updates.retention.keep(kept.buildid, { who: "user:ann", name: "ann", reason: "release 1" }, trail);
    // Twenty seconds short of the horizon.
    const edge = await endedBuild(10 * 86_400 - 20);
    const running = await runningBuild(one, "a");
    await setAge({ ...running, buildid: 0 }, 99 * 86_400);
    const newest = await endedBuild(11 * 86_400, { builder: "c" });

    const counted = await dryRunRetention(masters.database, plan(old));
    expect(await ids("builds")).toContain(gone.buildid);
    expect(await run(one, plan(old))).toMatchObject({ ran: true });
    expect(await ids("builds")).toEqual([parent, kept, edge, running, newest].map(({ buildid }) => buildid));
    expect(await ids("steps")).toEqual([parent, kept, edge, newest].map(({ stepid }) => stepid));
    expect(await ids("buildrequests")).not.toContain(gone.buildrequestid);
    expect(await masters.rows("select first_number, last_number from mm_retired_builds")).toEqual([]);
    const done = await report();
    expect(done.rules).toMatchObject([{ rule: "old", total: { builds: 1, logs: 1 }, builders: { a: { builds: 1 } } }]);
    expect(counted.rules[0]?.total).toMatchObject({ builds: 1, logs: 1, bytes: done.rules[0].total.bytes });
    expect(await findings()).toEqual([]);

    // Released, it goes with the next run; the gap that it leaves has its reason.
    await one.updates.retention.releaseBuild(kept.buildid, trail);
    await run(one, plan(old));
    expect(await ids("builds")).not.toContain(kept.buildid);
    expect(await masters.rows("select first_number, last_number from mm_retired_builds")).toEqual([
      { first_number: kept.number, last_number: kept.number },
    ]);
    expect(await findings()).toEqual([]);
  });

  it("leaves builds, their logs and requests, while something about them is to be reported", async () => {
    const logs = { ...old, name: "logs", delete: "logs" as const };
    const builds = [];
    for (let i = 0; i < 5; i += 1) builds.push(await endedBuild(20 * 86_400));
    const [asked, owed, ofBuildset, removed, newest] = builds.map(({ buildid }) => buildid) as number[];
    const buildset = await masters.value(
      "select r.buildsetid from builds b join buildrequests r on r.id = b.buildrequestid where b.id = ?",
      [ofBuildset as number],
    );
    const insert = (sql: string, values: (number | string)[]) => execute(masters.database, sql, values);
    for (const [id, configured] of [
      [7, 1],
      [8, 0],
    ] as const)
      await insert("insert into mm_reporters (id, name, type, configured) values (?, ?, 'http-push', ?)", [
        id,
        `r${id}`,
        configured,
      ]);
    await insert("insert into mm_outbox (at, kind, objectid, facts, owed) values (1, 'build-ended', ?, '{}', 1)", [
      asked as number,
    ]);
    for (const [reporterid, kind, objectid] of [
      [7, "build-ended", owed],
      [7, "buildset-ended", buildset],
      [8, "build-ended", removed],
    ] as [number, string, number][])
      await insert(
        `insert into mm_reports (reporterid, outboxid, kind, objectid, facts, happened_at, context, about, final, state)
         values (?, ${reporterid}${objectid}, ?, ?, '{}', 1, 'c', 'web', 1, 'owed')`,
        [reporterid, kind, objectid],
      );
    await run(one, plan(logs, old));
    expect(await ids("builds")).toEqual([asked, owed, ofBuildset, newest]);
    expect(await masters.rows("select id from logs where type = 'd'")).toEqual([]);
    await insert("update mm_outbox set owed = null", []);
    await insert("update mm_reports set state = 'sent', ended_at = 1", []);
    await run(one, plan(old));
    expect(await ids("builds")).toEqual([newest]);
  });

  it("goes by count, builder, branch and result, and keeps the last success of each branch", async () => {
    const all = [];
    for (const results of [0, 0, 2, 0, 2, 0]) all.push(await endedBuild(20 * 86_400, { results }));
    const feature = await endedBuild(20 * 86_400, { branch: "feature" });
    for (let i = 0; i < 2; i += 1) all.push(await endedBuild(20 * 86_400, { results: 2 }));
    const other = await endedBuild(20 * 86_400, { builder: "b" });
    const [a, b, failed, c, failed2, last, ...newest] = all.map(({ buildid }) => buildid) as number[];
    await run(one, plan({ ...old, builders: ["a"], results: ["failure"], beyondNewest: 4 }));
    expect(await ids("builds")).toEqual([a, b, c, last, feature.buildid, ...newest, other.buildid].filter(Boolean));
    expect([failed, failed2]).not.toContain(last);
    await run(one, {
      ...plan({ ...old, branches: ["ma*"], olderThan: undefined, beyondNewest: 1 }),
      keepLastSuccess: true,
    });
    expect(await ids("builds")).toEqual([last, feature.buildid, newest[1], other.buildid]);
    expect(await findings()).toEqual([]);
  });

  it("deletes logs only, a few pieces at a time, and marks them as Buildbot does", async () => {
    const build = await endedBuild(20 * 86_400, { lines: `${"o".padEnd(60_000, "x")}\n`.repeat(20) });
    const newest = await endedBuild(20 * 86_400);
    const rule = { ...old, delete: "logs" as const };
    await run(one, plan(rule));
    expect(await masters.rows("select id, type, num_lines from logs order by id")).toEqual([
      { id: build.logid, type: "d", num_lines: 0 },
      { id: newest.logid, type: "s", num_lines: 2 },
    ]);
    expect(await ids("logchunks", "distinct logid")).toEqual([newest.logid]);
    expect((await report()).rules[0].total).toMatchObject({ builds: 0, logs: 1 });
    // A second run finds nothing to do.
    await run(one, plan(rule));
    expect((await report()).rules).toEqual([]);
    expect(await findings()).toEqual([]);
  });

  it("costs a few statements where nothing is left to do, whatever the number of builders and old builds", async () => {
    await endedBuild(20 * 86_400);
    await addBuilders();
    const newest = await endedBuild(20 * 86_400, { builder: "b" });
    const wanted = plan(
      old,
      { ...old, name: "logs", delete: "logs" },
      { ...old, name: "tests", delete: "test results" },
      { name: "newest", delete: "builds", beyondNewest: 1 },
      { ...old, name: "changes", delete: "changes" },
      { ...old, name: "audit", delete: "audit trail" },
    );
    const settled = new SettledParts();
    let statements = 0;
    one.database.watch(() => void (statements += 1));
    const runAgain = () =>
      one.updates.retention.run({
        jobid,
        plan: wanted,
        everyMs: 0,
        signal: new AbortController().signal,
        settled,
      });
    await runAgain();
    expect((await report()).rules).toMatchObject([{ rule: "old", total: { builds: 15 } }]);
    expect(statements).toBeGreaterThan(150);
    statements = 0;
    await runAgain();
    expect((await report()).rules).toEqual([]);
    expect(statements).toBeLessThan(40);
    // What stayed only as the newest of its builder is looked at again as soon as there is a newer one.
    await endedBuild(86_400, { builder: "b" });
    await runAgain();
    expect(await ids("builds")).not.toContain(newest.buildid);
    expect(await findings()).toEqual([]);
  });

  it("deletes changes and source stamps that no build has and every scheduler has read, and old audit rows", async () => {
    const addChange = async (revision: string) =>
      (await one.updates.changes.add({ author: "a", comments: "c", branch: "x", repository: "r", revision })).changeid;
    const added = [];
    for (const revision of ["1", "2", "3", "4"]) added.push(await addChange(revision));
    const build = await endedBuild(20 * 86_400);
    await execute(masters.database, "update sourcestamps set created_at = 1000");
    await execute(
      masters.database,
      `update buildset_sourcestamps set sourcestampid = (select sourcestampid from changes where changeid = ?)
        where buildsetid = (select buildsetid from buildrequests where id = ?)`,
      [added[0], build.buildrequestid],
    );
    // A scheduler has read none of them yet.
    await one.updates.schedulers.register(["s"], ["s"]);
    const rule = { name: "changes", delete: "changes", olderThan: day } as const;
    const audit = { name: "audit", delete: "audit trail", olderThan: 10 * day } as const;
    for (const at of ["1000", masters.database.dialect.now])
      for (let i = 0; i < 2; i += 1)
        await execute(
          masters.database,
          `insert into mm_audit (at, who, name, by_what, action, object, outcome) values (${at}, 'a', 'a', 'x', 'y', 'z', 'done')`,
        );
    await run(one, { ...plan(rule), schedulers: ["s"] });
    expect(await ids("changes", "changeid")).toEqual(added);
    await execute(masters.database, "update mm_scheduler_cursors set floor = ?", [added[3]]);
    await run(one, { ...plan(rule, audit), schedulers: ["s"] });
    expect(await ids("changes", "changeid")).toEqual([added[0], added[3]]);
    expect((await report()).rules).toMatchObject([
      { rule: "changes", total: { changes: 2, source_stamps: 2 } },
      { rule: "audit", total: { audit_entries: 2 } },
    ]);
    expect(await findings()).toEqual([]);
  });

  it("goes on where a master stopped that lost the job or died, and writes nothing without lease and claim", async () => {
    const builds = [];
    for (let i = 0; i < 45; i += 1) builds.push(await claimedRequest(one, "a"));
    await execute(
      masters.database,
      "update buildrequests set complete = 1, results = 6, submitted_at = 1000, complete_at = 1000",
    );
    await execute(
      masters.database,
      "update buildsets set complete = 1, results = 6, submitted_at = 1000, complete_at = 1000",
    );
    const stop = new AbortController();
    await run(one, plan(old), stop.signal, () => stop.abort());
    const left = (await ids("buildrequests")).length;
    expect(left).toBeGreaterThan(1);
    expect(left).toBeLessThan(45);
    expect(await run(two, plan(old))).toBe("lost");
    expect(await ids("buildrequests")).toHaveLength(left);
    await masters.evict(one);
    await expect(run(one, plan(old))).rejects.toThrow(/lease/);
    await two.updates.retention.claim(jobid);
    await run(two, plan(old));
    // The newest stays: SQLite would give its id again.
    expect(await ids("buildrequests")).toEqual([builds.at(-1)]);
    expect(await ids("buildsets")).toHaveLength(1);
    const runs = await queryRows<{ report: string }>(masters.database, "select report from mm_retention_runs");
    expect(runs).toHaveLength(1);
    expect(JSON.parse(runs[0]?.report ?? "").rules[0].total.requests).toBe(44);
    expect(await findings()).toEqual([]);
  });

  it("ends between the transactions of one build, and the next run goes on with it", async () => {
    const { buildid } = await endedBuild(11 * 86_400);
    await endedBuild(11 * 86_400);
    const stop = new AbortController();
    // What is counted first are the logs; the build itself is deleted by a later transaction.
    await run(one, plan(old), stop.signal, () => stop.abort());
    expect(await ids("builds")).toContain(buildid);
    expect(await masters.rows("select ended_at from mm_retention_runs")).toEqual([{ ended_at: null }]);
    await run(one, plan(old));
    expect(await ids("builds")).not.toContain(buildid);
    expect((await report()).rules[0].total).toMatchObject({ builds: 1, logs: 1 });
  });
});
