import { leaveCluster } from "@multimaster/cluster";
import { Results } from "@multimaster/core";
import { execute } from "@multimaster/database";
import { noteConfig, releaseEverythingOf } from "@multimaster/lifecycle";
import httpPush from "@multimaster/plugins/reporters/http-push";
import { describe, expect, it } from "vitest";
import { readEvents } from "../../../roles/scheduler/reporting/read-events.ts";
import {
  aWorker,
  buildsetFor,
  type Member,
  runningBuild,
  stamp,
  startMasters,
  type TestMasters,
} from "../../harness/masters-with-data.ts";
import { evictDead, expire, join, leave, makeSteady } from "../../harness/members.ts";
import { startReportTarget } from "../../harness/report-target.ts";
import { startSchedulerCluster } from "../../harness/scheduler-masters.ts";
import { engines } from "../../harness/test-databases.ts";
import { waitFor } from "../../harness/wait-for.ts";

const success = { results: Results.SUCCESS, state: "fine" };

/** What the outbox has of these kinds, in order. */
async function outbox(masters: TestMasters, ...kinds: string[]) {
  const rows = await masters.rows<{ kind: string; objectid: number; facts: string; owed: number | null; at: number }>(
    "select kind, objectid, facts, owed, at from mm_outbox order by id",
  );
  return rows.filter(({ kind }) => kinds.includes(kind)).map((row) => ({ ...row, told: JSON.parse(row.facts) }));
}

/** Registers a reporter that wants these kinds, and returns the id of the one that hands out, claimed by this master. */
async function want(member: Member, kinds: string[], steps?: string[]): Promise<number> {
  const { reports } = member.updates;
  const ids = await reports.register([
    { name: " hand-out", type: "hand-out", kinds: [] },
    { name: "r", type: "http-push", kinds, steps },
  ]);
  const id = ids.get(" hand-out") as number;
  await reports.claim(id);
  return id;
}

describe.each(engines)("what is reported, on %s:", (engine) => {
  it("a buildset that begins is noted with its requests", async () => {
    const masters = await startMasters(engine);
    const member = await masters.join();
    await want(member, ["buildset-started"]);
    const { bsid } = await member.updates.buildsets.add(buildsetFor("one", "two"));
    const rows = await outbox(masters, "buildset-started", "buildset-ended");
    expect(rows).toMatchObject([{ kind: "buildset-started", objectid: bsid, told: { requests: 2 }, owed: 1 }]);
    const [event] = (await readEvents(member.updates.reports, rows)).values();
    expect(event?.buildset).toMatchObject({
      results: null,
      builds: [],
      builders: [{ builder: "one" }, { builder: "two" }],
    });
  });

  it("a build knows what it was asked with, whatever its steps set", async () => {
    const masters = await startMasters(engine);
    const member = await masters.join();
    const { updates } = member;
    for (const number of [3, 4])
      await updates.changes.add({
        author: "ann",
        comments: "a patch set",
        ...stamp,
        properties: { "event.change.number": number, "event.patchSet.number": 1 },
      });
    const { requests } = await updates.buildsets.add({
      ...buildsetFor("one"),
      properties: { "event.patchSet.number": [2, "Force Build Form"] },
    });
    const [buildrequestid] = Object.values(requests) as [number];
    await updates.buildrequests.claim([buildrequestid]);
    const made = await updates.builds.create({ buildrequestid, workerid: await aWorker(member) });
    if (made === "lost") throw new Error("the build was not created");
    await updates.builds.setProperties(made.buildid, { "event.change.number": [666, "Change"], more: ["x", "step"] });
    const build = (await updates.reports.readBuilds([made.buildid])).get(made.buildid);
    expect(build?.properties).toEqual({ "event.change.number": 666, more: "x" });
    expect(build?.requestProperties).toEqual({ "event.change.number": 4, "event.patchSet.number": 2 });
  });

  it("the tail of a log is text, without what it means to a terminal", async () => {
    const masters = await startMasters(engine);
    const member = await masters.join();
    const { reports, steps, logs } = member.updates;
    const { buildid } = await runningBuild(member);
    const { stepid } = await steps.begin({ buildid, name: "test" });
    const { logid } = await logs.add({ stepid, name: "stdio", type: "s" });
    await logs.append(logid, 0, "oone\no\u001b[1;31mFAIL\u001b[0m\u001b(B two\nothree\n");
    expect(await reports.readLogTail(logid, 2)).toBe("FAIL two\nthree\n");
  });

  it("steps are noted only while a reporter wants steps of their names, with the steps of a build that is broken off", async () => {
    const masters = await startMasters(engine);
    const member = await masters.join();
    const unwanted = await runningBuild(member);
    const quiet = await member.updates.steps.begin({ buildid: unwanted.buildid, name: "deploy" });
    await member.updates.steps.finish(quiet.stepid, { ...success, hidden: false });
    expect(await outbox(masters, "step-started", "step-ended")).toEqual([]);
    // While no reporter wants to know, a step costs no statement more.
    const statements: string[] = [];
    member.database.watch(({ sql }) => statements.push(sql));
    const again = await member.updates.steps.begin({ buildid: unwanted.buildid, name: "deploy" });
    await member.updates.steps.finish(again.stepid, { ...success, hidden: false });
    expect(statements.some((sql) => sql.includes("update steps"))).toBe(true);
    expect(statements.filter((sql) => /mm_outbox|mm_reporter_kinds/.test(sql))).toEqual([]);

    // Another master: what is wanted is read again every ten seconds.
    const other = await masters.join();
    await want(other, ["step-started", "step-ended"], ["dep*"]);
    const { buildid } = await runningBuild(other, "more");
    const test = await other.updates.steps.begin({ buildid, name: "test" });
    await other.updates.steps.finish(test.stepid, { ...success, hidden: false });
    const deploy = await other.updates.steps.begin({ buildid, name: "deploy" });
    await other.updates.steps.finish(deploy.stepid, { results: Results.FAILURE, state: "no", hidden: false });
    const last = await other.updates.steps.begin({ buildid, name: "deploy again" });
    await other.updates.builds.finish(buildid, { results: Results.CANCELLED, state: "stopped" });
    const rows = await outbox(masters, "step-started", "step-ended");
    expect(rows.map(({ kind, objectid, told }) => [kind, objectid, told.name, told.results])).toEqual([
      ["step-started", deploy.stepid, "deploy", undefined],
      ["step-ended", deploy.stepid, "deploy", Results.FAILURE],
      ["step-started", last.stepid, "deploy again", undefined],
      ["step-ended", last.stepid, "deploy again", Results.CANCELLED],
    ]);
    const [event] = (await readEvents(other.updates.reports, rows)).values();
    expect(event).toMatchObject({ step: { name: "deploy", results: null }, build: { buildid, results: null } });
  });

  it("a build notes no more than its first 200 steps", async () => {
    const masters = await startMasters(engine);
    const member = await masters.join();
    await want(member, ["step-started"], ["*"]);
    const { buildid } = await runningBuild(member);
    await execute(
      masters.database,
      "insert into steps (buildid, number, name, state_string, urls_json, hidden, started_at, complete_at) values (?, 199, 'a', '', '[]', 0, 1, 2)",
      [buildid],
    );
    await member.updates.steps.begin({ buildid, name: "b" });
    expect(await outbox(masters, "step-started")).toEqual([]);
  });

  it("a request that waits is noted once for its builder, with the reason, until none waits so long any more", async () => {
    const masters = await startMasters(engine);
    const member = await masters.join();
    const id = await want(member, ["request-waiting"]);
    const ask = async (builder: string) => {
      const { requests } = await member.updates.buildsets.add(buildsetFor(builder));
      return Object.values(requests)[0] as number;
    };
    const first = await ask("one");
    const second = await ask("two");
    await ask("one");
    const { reports } = member.updates;
    const reasons = new Map([[first, "All its workers are away."]]);
    const note = async () => reports.noteLongWaits(id, await reports.findNewWaits([1800]), reasons);
    const waits = async () =>
      (await outbox(masters, "request-waiting")).map(({ objectid, told }) => [objectid, told.requests]);
    await note();
    expect(await waits()).toEqual([]);
    await execute(masters.database, "update buildrequests set submitted_at = submitted_at - 3600 where id <> ?", [
      second,
    ]);
    await note();
    await note();
    expect(await waits()).toEqual([[first, 2]]);
    const rows = await outbox(masters, "request-waiting");
    expect(rows[0]?.told).toMatchObject({ after: 1800, reason: "All its workers are away." });
    const [event] = (await readEvents(member.updates.reports, rows)).values();
    expect(event?.request).toMatchObject({ builder: "one", after: 1800, requests: 2, sources: [{ branch: "main" }] });
    // One of the two begins: the other still waits, which is known.
    await member.updates.buildrequests.claim([first]);
    await note();
    expect(await waits()).toHaveLength(1);
    await member.updates.buildrequests.claim(
      (await masters.rows<{ id: number }>("select id from buildrequests")).map((row) => row.id),
    );
    await note();
    await execute(masters.database, "delete from buildrequest_claims");
    await note();
    expect(await waits()).toHaveLength(2);
    expect(await reports.noteLongWaits(id + 1, [], new Map())).toBe("lost");
  });

  it("a master that died is noted before what its end causes, an orderly end is not", async () => {
    const masters = await startMasters(engine);
    const dying = await masters.join();
    const { buildid } = await runningBuild(dying);
    await masters.evict(dying);
    const rows = await outbox(masters, "master-evicted", "build-ended");
    expect(rows.map(({ kind, objectid }) => [kind, objectid])).toEqual([
      ["master-evicted", dying.lease.masterid],
      ["build-ended", buildid],
    ]);
    const [event] = (await readEvents(dying.updates.reports, rows.slice(0, 1))).values();
    expect(event?.master?.sentence).toMatch(
      /^The lease of the master host-engine \(builder-engine\) expired, and it was evicted: it had 1 build request\. 1 build of it ended/,
    );
    const leaving = await masters.join();
    await leave(masters.database, leaving.lease);
    expect(await outbox(masters, "master-evicted")).toHaveLength(1);
  });

  it("an upgrade is done when the last master of another release is gone, also if the last two go at the same time", async () => {
    const masters = await startMasters(engine);
    const { database } = masters;
    const start = async (release: string) => (await join(database, { release })).lease;
    const old = [await start("1"), await start("1"), await start("1")] as const;
    await leave(database, old[0]);
    const fresh = await start("2");
    await start("2");
    expect(await outbox(masters, "upgrade-done")).toEqual([]);
    // The first has done everything but commit when the second wants to know whether it is the last.
    let commit = () => {};
    let isReady = false;
    const mayCommit = new Promise<void>((resolve) => {
      commit = resolve;
    });
    const first = leaveCluster(database, old[1], async (...given) => {
      const outcomes = await releaseEverythingOf(...given);
      isReady = true;
      await mayCommit;
      return outcomes;
    });
    await waitFor(() => isReady, { what: "the first to be about to commit" });
    let isGone = false;
    const second = leave(database, old[2]).finally(() => {
      isGone = true;
    });
    const waiting = "select pid from pg_stat_activity where wait_event_type = 'Lock'";
    if (engine === "postgresql")
      await waitFor(async () => isGone || (await masters.rows(waiting)).length > 0, { what: "the second to wait" });
    commit();
    await Promise.all([first, second]);
    const rows = await outbox(masters, "upgrade-done");
    expect(rows.map(({ told }) => [told.from, told.to, told.masters])).toEqual([["1", "2", 2]]);
    // Masters of one release come and go.
    await leave(database, fresh);
    await makeSteady(database, await start("2"));
    expect(await outbox(masters, "upgrade-done")).toHaveLength(1);
  });

  it("an upgrade is also done when the last old master died", async () => {
    const masters = await startMasters(engine);
    const { database } = masters;
    const old = (await join(database, { release: "1" })).lease;
    const fresh = (await join(database, { release: "2" })).lease;
    await makeSteady(database, fresh);
    await expire(database, old);
    await evictDead(database, fresh);
    expect((await outbox(masters, "upgrade-done", "master-evicted")).map(({ kind }) => kind)).toEqual([
      "master-evicted",
      "upgrade-done",
    ]);
  });

  it("another config is noted by the first master that starts with it, and by none that follows", async () => {
    const masters = await startMasters(engine);
    const { database } = masters;
    const start = async (name: string, hash: string) =>
      (await join(database, { name, note: (tx, master) => noteConfig(tx, master, hash) })).lease;
    const a = await start("a", "one");
    await start("b", "one");
    await leave(database, a);
    expect(await outbox(masters, "config-changed")).toEqual([]);
    const again = await start("a", "two");
    await start("c", "two");
    const rows = await outbox(masters, "config-changed");
    expect(rows.map(({ told }) => [told.name, told.before, told.hash])).toEqual([["a", "one", "two"]]);
    // b still runs with the old one, so a master that starts with it again is none that has another.
    await leave(database, again);
    await start("a", "one");
    expect(await outbox(masters, "config-changed")).toHaveLength(1);
    await start("d", "three");
    expect((await outbox(masters, "config-changed")).at(-1)?.told).toMatchObject({ name: "d", hash: "three" });
  });

  it("a worker that is back is noted only if it was reported missing", async () => {
    const masters = await startMasters(engine);
    const member = await masters.join();
    const { workers } = member.updates;
    const id = (await workers.register(["w"])).get("w") as number;
    const attach = () => workers.attach(id, { admin: null, host: null, access_uri: null, version: null });
    const back = () => outbox(masters, "worker-returned");
    await attach();
    await workers.detach(id, { reason: "connection_lost", detail: null });
    await attach();
    expect(await back()).toEqual([]);
    await workers.detach(id, { reason: "connection_lost", detail: null });
    await execute(masters.database, "update mm_worker_absences set missing_at = 1 where ended_at is null");
    await attach();
    expect((await back()).map(({ objectid }) => objectid)).toEqual([id]);
  });

  it("a master with the role scheduler sends that a request waits, and why", async () => {
    const cluster = await startSchedulerCluster(engine);
    const target = await startReportTarget();
    const { data } = await cluster.add({});
    await data.updates.buildsets.add(buildsetFor("one"));
    await execute(cluster.database, "update buildrequests set submitted_at = submitted_at - 60");
    const push = { name: "push", url: target.url, events: ["request-waiting" as const], waitingAfter: "30s" };
    const master = await cluster.add({ reporters: [httpPush(push)] });
    await master.start();
    await waitFor(() => target.calls.length === 1, { what: "the report" });
    expect(target.calls[0]?.body).toMatchObject({
      event: "request-waiting",
      builder: { name: "one" },
      requests: 1,
      reason: "No live master has this builder.",
    });
  });
});
