import { Results } from "@multimaster/core";
import { findItems, workerAbsences, workers } from "@multimaster/data";
import { execute, queryRows } from "@multimaster/database";
import type { BuildEnd, WorkerVerdict } from "@multimaster/lifecycle";
import { beforeEach, describe, expect, it } from "vitest";
import {
  aWorker,
  claimedRequest,
  type Member,
  startMasters,
  type TestMasters,
} from "../../harness/masters-with-data.ts";
import { engines } from "../../harness/test-databases.ts";

const info = { admin: null, host: "h", access_uri: null, version: "1" };

describe.each(engines)("the life of a worker on %s", (engine) => {
  let masters: TestMasters;
  let one: Member;
  let two: Member;
  let workerid: number;

  beforeEach(async () => {
    masters = await startMasters(engine);
    one = await masters.join();
    two = await masters.join();
    workerid = await aWorker(one);
    await configure(one, { b: ["w1"] });
    await one.updates.workers.saveTerms([{ workerid, missingTimeoutS: 3600, owner: "ann@example.org", note: "a" }]);
    await masters.takeTopics();
  });

  const read = async () => (await findItems(workers, masters.database))?.rows[0];
  const absences = async () => (await findItems(workerAbsences, masters.database))?.rows ?? [];
  const outbox = async () =>
    (await masters.rows<{ kind: string }>("select kind from mm_outbox where kind like 'worker-%' order by id")).map(
      ({ kind }) => kind,
    );

  function configure(member: Member, builders: Readonly<Record<string, string[]>>) {
    return member.updates.builders.configure(
      Object.entries(builders).map(([name, names]) => ({
        name,
        description: null,
        tags: [],
        project: null,
        workers: names,
        maxBuilds: null,
        directory: name,
        maxEngineDeaths: 3,
        maxWorkerLosses: 10,
      })),
    );
  }

  /** Lets everything have begun so much earlier. */
  async function age(seconds: number) {
    await execute(masters.database, "update mm_worker_absences set began_at = began_at - ?", [seconds]);
    await execute(masters.database, "update mm_leases set joined_at = joined_at - ?", [seconds]);
    await execute(masters.database, "update mm_worker_lives set probation_at = probation_at - ?", [seconds]);
  }

  async function endBuild(verdict: Partial<WorkerVerdict>, end: BuildEnd = { results: Results.RETRY, state: "lost" }) {
    const buildrequestid = await claimedRequest(one, "b");
    const build = await one.updates.builds.create({ buildrequestid, workerid });
    if (build === "lost") throw new Error("the build was not created");
    const worker = { workerid, failure: null, quarantineAfter: 3, probationS: 600, ...verdict };
    await one.updates.builds.finish(build.buildid, { ...end, worker });
  }

  const lost = { failure: { kind: "connection", cause: "the connection ended" } } as const;

  it("reports an absence once in the cluster, and that the worker is back", async () => {
    await one.updates.workers.attach(workerid, info);
    await one.updates.workers.detach(workerid);
    await one.updates.workers.reportMissing();
    expect(await read()).toMatchObject({ away_since: expect.any(Number), missing_since: null });
    await age(3601);
    await masters.takeTopics();
    await Promise.all([one, two, one, two].map(({ updates }) => updates.workers.reportMissing()));
    await two.updates.workers.reportMissing();
    await masters.takeTopics(/nothing/);
    expect((await outbox()).filter((kind) => kind === "worker-missing")).toHaveLength(1);
    expect(await read()).toMatchObject({ missing_since: expect.any(Number), connected_to: [] });
    await two.updates.workers.attach(workerid, info);
    expect(await read()).toMatchObject({ away_since: null, missing_since: null });
    expect(await outbox()).toEqual(["worker-detached", "worker-missing", "worker-returned"]);
    // The next absence is another one.
    await two.updates.workers.detach(workerid);
    await age(3601);
    await one.updates.workers.reportMissing();
    expect((await outbox()).filter((kind) => kind === "worker-missing")).toHaveLength(2);
  });

  it("publishes a missing worker in Buildbot's shape", async () => {
    await one.updates.workers.attach(workerid, info);
    await one.updates.workers.detach(workerid);
    await age(3601);
    await one.updates.workers.reportMissing();
    await Promise.all([one.updates.close(), two.updates.close()]);
    const message = masters.messages.find(({ topic }) => topic === `workers.${workerid}.missing`);
    expect(message?.payload).toMatchObject({
      workerid,
      name: "w1",
      notify: ["ann@example.org"],
      last_connection: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    });
  });

  it("does not report a worker whose account was revoked", async () => {
    await one.updates.workers.attach(workerid, info);
    await one.updates.workers.detach(workerid, { reason: "revoked", detail: null });
    await age(3601);
    await one.updates.workers.reportMissing();
    expect(await outbox()).not.toContain("worker-missing");
  });

  it("does not report workers that no engine waits for, that are attached, or whose engine has just come", async () => {
    await one.updates.workers.attach(workerid, info);
    await one.updates.workers.detach(workerid);
    await execute(masters.database, "update mm_worker_absences set began_at = began_at - 4000");
    await one.updates.workers.reportMissing();
    expect(await outbox()).toEqual(["worker-detached"]);
    await age(3601);
    await configure(one, {});
    await one.updates.workers.reportMissing();
    expect(await outbox()).toEqual(["worker-detached"]);
    await configure(one, { b: ["w1"] });
    // A master of the release before has attached it.
    await execute(masters.database, "insert into connected_workers (masterid, workerid) values (?, ?)", [
      one.lease.masterid,
      workerid,
    ]);
    await one.updates.workers.reportMissing();
    expect(await outbox()).toEqual(["worker-detached"]);
    expect(await read()).toMatchObject({ away_since: null });
  });

  it("keeps why workers were away, also when their master died", async () => {
    await one.updates.workers.attach(workerid, info);
    await one.updates.workers.detach(workerid, { reason: "master_drained", detail: "the master drains" });
    await one.updates.workers.attach(workerid, info);
    await masters.evict(one);
    expect(await absences()).toMatchObject([
      { kind: "away", reason: "master_drained", detail: "the master drains", ended_at: expect.any(Number) },
      { kind: "away", reason: "master_lost", masterid: one.lease.masterid, ended_at: null },
    ]);
  });

  it("begins the absence of a dead master's worker when the master's lease was lost, not when it was evicted", async () => {
    await one.updates.workers.attach(workerid, info);
    await execute(masters.database, "update mm_leases set expires_at = renewed_at - 40 where masterid = ?", [
      one.lease.masterid,
    ]);
    await masters.evict(one);
    const [row] = await queryRows<{ late: number }>(
      masters.database,
      "select a.began_at - l.expires_at as late from mm_worker_absences a join mm_leases l on l.masterid = a.masterid",
    );
    expect(Number(row?.late)).toBe(0);
  });

  it("keeps a thousand absences of each worker", async () => {
    await execute(
      masters.database,
      `insert into mm_worker_absences (workerid, kind, reason, began_at, ended_at)
       with recursive n(i) as (select 1 union all select i + 1 from n where i < 1005)
       select cast(? as integer), 'away', 'connection_lost', i, i from n`,
      [workerid],
    );
    await one.updates.workers.attach(workerid, info);
    await one.updates.workers.detach(workerid);
    expect(await masters.value("select count(*) as n from mm_worker_absences")).toBe(1000);
    expect(await read()).toMatchObject({ away_since: expect.any(Number) });
  });

  it("keeps who paused it and why, and that it has to end, while workers and masters come and go", async () => {
    const trail = async () => {};
    await one.updates.workers.attach(workerid, info);
    await two.updates.workers.setPaused(workerid, true, "maintenance", { name: "ann", trail });
    await two.updates.workers.setGraceful(workerid, true);
    await masters.evict(one);
    const three = await masters.join();
    await three.updates.workers.attach(workerid, { ...info, version: "2" });
    expect(await three.updates.workers.states([workerid])).toMatchObject([{ paused: true, graceful: true }]);
    expect(await read()).toMatchObject({
      paused: true,
      pause_reason: "maintenance",
      paused_by: "ann",
      paused_at: expect.any(Number),
      graceful: true,
    });
    await three.updates.workers.setPaused(workerid, false, null);
    expect(await read()).toMatchObject({ paused: false, paused_by: null, paused_at: null });
    expect(await absences()).toMatchObject([
      { kind: "paused", detail: "by ann: maintenance", ended_at: expect.any(Number) },
      { kind: "away", ended_at: expect.any(Number) },
    ]);
  });

  it("a user's note replaces the config's until it is taken back", async () => {
    expect(await read()).toMatchObject({ owner: "ann@example.org", note: "a", note_by: null });
    await two.updates.workers.setNote(workerid, "b", { name: "bob", trail: async () => {} });
    await one.updates.workers.saveTerms([{ workerid, missingTimeoutS: null, owner: null, note: "c" }]);
    expect(await read()).toMatchObject({ owner: null, note: "b", note_by: "bob", note_at: expect.any(Number) });
    await two.updates.workers.setNote(workerid, null);
    expect(await read()).toMatchObject({ note: "c", note_by: null });
  });

  it("quarantines a worker that loses builds in a row, and frees it by a build that is tried", async () => {
    const other = await aWorker(one, "w2");
    await configure(one, { b: ["w1", "w2"] });
    await one.updates.workers.attach(workerid, info);
    await two.updates.workers.attach(other, info);
    await endBuild(lost);
    await endBuild(lost);
    // It has done what it was asked to: these two count no more.
    await endBuild({}, { results: Results.FAILURE, state: "failed" });
    await endBuild(lost);
    await endBuild(lost);
    expect(await read()).toMatchObject({ paused: false, failures: 2, quarantined_at: null });
    await endBuild(lost);
    const reason = "3 builds in a row lost their connection";
    expect(await read()).toMatchObject({
      paused: true,
      pause_reason: `quarantined: ${reason}`,
      quarantined_at: expect.any(Number),
      quarantine_reason: reason,
      probation_at: expect.any(Number),
    });
    expect(await one.updates.workers.states([workerid])).toMatchObject([{ quarantined: true, onProbation: false }]);
    await age(601);
    expect(await one.updates.workers.states([workerid])).toMatchObject([{ quarantined: true, onProbation: true }]);
    await endBuild(lost);
    expect(await one.updates.workers.states([workerid])).toMatchObject([{ quarantined: true, onProbation: false }]);
    await age(601);
    await masters.takeTopics();
    await endBuild({}, { results: Results.SUCCESS, state: "successful" });
    expect(await masters.takeTopics(/state_updated/)).toEqual([`workers.${workerid}.state_updated`]);
    expect(await read()).toMatchObject({ paused: false, failures: 0, quarantined_at: null, pause_reason: null });
    expect(await absences()).toMatchObject([{ kind: "quarantined", detail: reason, ended_at: expect.any(Number) }]);
    expect(await outbox()).toEqual(["worker-quarantined", "worker-freed"]);
  });

  it("a user frees a quarantined worker", async () => {
    const other = await aWorker(one, "w2");
    await configure(one, { b: ["w1", "w2"] });
    await two.updates.workers.attach(other, info);
    const failure = { kind: "machine", cause: "No space left on device" } as const;
    await endBuild({ failure, quarantineAfter: 1, probationS: null });
    expect(await read()).toMatchObject({
      paused: true,
      quarantine_reason: "a build failed because of this worker, the last one: No space left on device",
      probation_at: null,
    });
    await two.updates.workers.setPaused(workerid, false, null, { name: "ann", trail: async () => {} });
    expect(await read()).toMatchObject({ paused: false, failures: 0, quarantined_at: null, quarantine_reason: null });
    expect(await outbox()).toEqual(["worker-quarantined", "worker-resumed"]);
  });

  it("never quarantines the last worker that a builder can use, nor one that a user has paused", async () => {
    for (let i = 0; i < 4; i += 1) await endBuild(lost);
    expect(await read()).toMatchObject({
      paused: false,
      failures: 4,
      suspicion: "4 builds in a row lost their connection; it is not quarantined, since no other worker could build b",
    });
    expect(await outbox()).toEqual(["worker-suspected"]);
    await configure(one, { b: ["w1", "w2"] });
    await two.updates.workers.attach(await aWorker(one, "w2"), info);
    await two.updates.workers.setPaused(workerid, true, "mine");
    await endBuild(lost);
    expect(await read()).toMatchObject({ paused: true, pause_reason: "mine", quarantined_at: null });
  });

  it("two masters that judge the last two workers at the same time quarantine one of them", async () => {
    const other = await aWorker(one, "w2");
    await configure(one, { b: ["w1", "w2"] });
    await one.updates.workers.attach(workerid, info);
    await two.updates.workers.attach(other, info);
    const ends = await Promise.all(
      [
        { member: one, id: workerid },
        { member: two, id: other },
      ].map(async ({ member, id }) => {
        const buildrequestid = await claimedRequest(member, "b");
        const build = await member.updates.builds.create({ buildrequestid, workerid: id });
        if (build === "lost") throw new Error("the build was not created");
        const worker = { workerid: id, ...lost, quarantineAfter: 1, probationS: null };
        return () => member.updates.builds.finish(build.buildid, { results: Results.RETRY, state: "lost", worker });
      }),
    );
    await Promise.all(ends.map((finish) => finish()));
    expect(await masters.value("select count(*) as n from workers where paused <> 0")).toBe(1);
    expect((await outbox()).sort()).toEqual(["worker-quarantined", "worker-suspected"]);
  });
});
