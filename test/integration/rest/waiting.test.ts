import type { Lease } from "@multimaster/cluster";
import { schedulerProblemKey } from "@multimaster/data";
import { type Database, execute } from "@multimaster/database";
import { beforeEach, describe, expect, it } from "vitest";
import { buildsetFor } from "../../harness/masters-with-data.ts";
import { expire, join } from "../../harness/members.ts";
import { type RestServer, startRestServer } from "../../harness/rest-server.ts";
import { engines, newDatabase } from "../../harness/test-databases.ts";
import { updatesOf } from "../../harness/updates-of.ts";

const info = { admin: null, host: null, access_uri: null, version: "1" };

describe.each(engines)("why build requests wait, on %s", (engine) => {
  let database: Database;
  let server: RestServer;
  let lease: Lease;
  let updates: ReturnType<typeof updatesOf>;
  beforeEach(async () => {
    database = await newDatabase(engine);
    server = await startRestServer(database);
    lease = (await join(database, { name: "engine-a" })).lease;
    updates = updatesOf(database, lease);
  });

  const builder = (name: string, more: object = {}) => ({
    name,
    description: null,
    tags: [],
    project: null,
    workers: ["w1", "w2"],
    directory: name,
    ...more,
  });
  const ask = async (name = "runtests") =>
    Object.values((await updates.buildsets.add(buildsetFor(name))).requests)[0] as number;
  const attach = async (name: string, maxBuilds = 1) => {
    const workerid = (await updates.workers.register([name])).get(name) as number;
    await updates.workers.attach(workerid, info, maxBuilds);
    return workerid;
  };
  const build = async (request: number, workerid: number) => {
    await updates.buildrequests.claim([request]);
    const made = await updates.builds.create({ buildrequestid: request, workerid });
    if (made === "lost") throw new Error("the build was not created");
    return made;
  };
  const why = async (request: number): Promise<{ kind: string; sentence: string; facts: Record<string, unknown> }[]> =>
    (await server.get(`/api/v2/buildrequests/${request}/why`)).body.waiting[0].reasons;
  const sentences = async (request: number) => (await why(request)).map(({ kind, sentence }) => [kind, sentence]);

  it("no live master has the builder", async () => {
    const request = await ask();
    expect(await sentences(request)).toEqual([["no_engine", "No live master has this builder."]]);
    await updates.builders.configure([builder("runtests")]);
    await expire(database, lease);
    expect(await sentences(request)).toEqual([
      ["engine_lost", "engine-a had this builder and does not answer any more."],
    ]);
  });

  it("the figures count what waits for each builder, for programs that add workers", async () => {
    await updates.builders.configure([builder("runtests"), builder("docs")]);
    const w1 = await attach("w1");
    await ask();
    await ask();
    const docs = await ask("docs");
    const queue = async () =>
      (await server.get("/metrics")).text.match(/^multimaster_builder_queue\{.*$/gm)?.toSorted();
    expect(await queue()).toEqual([
      'multimaster_builder_queue{builder="docs"} 1',
      'multimaster_builder_queue{builder="runtests"} 2',
    ]);
    expect((await server.get("/metrics")).text).toMatch(/^multimaster_builder_queue_age_seconds\{builder="docs"\} \d/m);
    await build(docs, w1);
    expect(await queue()).toEqual(['multimaster_builder_queue{builder="runtests"} 2']);
  });

  it("no worker is attached, or one is attached where it is of no use", async () => {
    await updates.builders.configure([builder("runtests")]);
    const request = await ask();
    expect(await why(request)).toEqual([
      {
        kind: "no_worker",
        sentence: "None of its workers is attached: w1 and w2 are away.",
        facts: { configured: ["w1", "w2"], away: ["w1", "w2"] },
      },
    ]);
    const other = updatesOf(database, (await join(database, { name: "engine-b" })).lease);
    const workerid = (await other.workers.register(["w1"])).get("w1") as number;
    await other.workers.attach(workerid, info, 1);
    expect(await sentences(request)).toEqual([
      ["no_worker", "None of its workers is attached: w2 is away."],
      ["worker_elsewhere", "w1 is attached to engine-b, which does not start builds of this builder."],
    ]);
  });

  it("its engine has missed renewals of its lease, and may be dead", async () => {
    await updates.builders.configure([builder("runtests")]);
    const w1 = await attach("w1");
    const [request, claimed] = [await ask(), await ask()];
    const { now } = database.dialect;
    const fallSilent = (seconds: number) =>
      execute(
        database,
        `update mm_leases set renewed_at = ${now} - ${seconds}, expires_at = ${now} - ${seconds} + lease_s`,
      );
    const said = async (id: number) =>
      (await sentences(id)).map(([kind, sentence]) => [kind, sentence?.replaceAll(/\d+ s\b/g, "N s")]);
    expect((await said(request))[0]?.[0]).toBe("claiming");
    await fallSilent(30);
    const silent = "which has not renewed its lease for N s: if engine-a is dead, it is evicted in N s";
    const about = ["engine_unresponsive", `The builder is on engine-a, ${silent}.`];
    const away = ["worker_away", "w2 is not attached."];
    expect(await said(request)).toEqual([about, away]);
    const facts = { masterid: lease.masterid, master: "engine-a", silent_for: expect.any(Number) };
    expect((await why(request))[0]?.facts).toEqual(facts);
    await updates.buildrequests.claim([claimed]);
    expect(await said(claimed)).toEqual([["starting", `It is claimed by engine-a, ${silent}.`]]);
    const made = await build(claimed, w1);
    expect(await said(claimed)).toEqual([
      ["building", `It is being built on engine-a (build ${made.number} of its builder), ${silent}.`],
    ]);
    expect(await said(request)).toEqual([
      about,
      away,
      ["worker_busy", `w1 is busy with runtests #${made.number} on engine-a.`],
    ]);
  });

  it("its worker is attached to a master that is about to be evicted, and another master has the builder, too", async () => {
    await updates.builders.configure([builder("runtests", { workers: ["w1"] })]);
    await attach("w1");
    const other = updatesOf(database, (await join(database, { name: "engine-b" })).lease);
    await other.builders.configure([builder("runtests", { workers: ["w1"] })]);
    const { now } = database.dialect;
    const overdue = `update mm_leases set renewed_at = ${now} - 90, expires_at = ${now} - 1 where masterid = ?`;
    await execute(database, overdue, [lease.masterid]);
    const said = (await sentences(await ask())).map(([, sentence]) => sentence?.replace(/\d+ s\b/, "N s"));
    const silent = "which has not renewed its lease for N s: if engine-a is dead, it is evicted now";
    expect(said).toContain(`w1 is attached to engine-a, ${silent}.`);
  });

  it("its workers are paused, leaving or busy, each with what with", async () => {
    await updates.builders.configure([builder("runtests"), builder("docs")]);
    const w1 = await attach("w1");
    const w2 = await attach("w2");
    const docs = await build(await ask("docs"), w1);
    const request = await ask();
    expect(await sentences(request)).toEqual([["claiming", "w2 is free on engine-a, which is about to claim it."]]);
    await updates.workers.setPaused(w2, true, "new disk");
    expect(await why(request)).toEqual([
      {
        kind: "worker_busy",
        sentence: `w1 is busy with docs #${docs.number} on engine-a.`,
        facts: {
          masterid: lease.masterid,
          master: "engine-a",
          workerid: w1,
          worker: "w1",
          max_builds: 1,
          builds: [{ buildid: docs.buildid, number: docs.number, builderid: docs.builderid, builder: "docs" }],
        },
      },
      expect.objectContaining({ kind: "worker_paused", sentence: "w2 is paused: new disk." }),
    ]);
    await updates.workers.setPaused(w2, false, null);
    await updates.workers.setGraceful(w2, true);
    expect((await sentences(request))[1]).toEqual([
      "worker_graceful",
      "w2 is being shut down and takes no more builds.",
    ]);
    await updates.workers.detach(w2);
    expect(await sentences(request)).toEqual([
      ["worker_away", "w2 is not attached."],
      ["worker_busy", `w1 is busy with docs #${docs.number} on engine-a.`],
    ]);
  });

  it("of many workers that are busy alike, a few are named", async () => {
    const names = Array.from({ length: 8 }, (_, i) => `w${i}`);
    await updates.builders.configure([builder("runtests", { workers: names })]);
    for (const name of names) await updates.workers.setPaused(await attach(name), true, "night");
    const reasons = await sentences(await ask());
    expect(reasons).toHaveLength(6);
    expect(reasons.at(-1)).toEqual(["worker_paused", "3 more workers are in the same state."]);
  });

  it("its directory is in use, or as many of its builds run as may", async () => {
    await updates.builders.configure([
      builder("runtests", { workers: ["w1"], directory: "shared" }),
      builder("docs", { workers: ["w1"], directory: "shared", maxBuilds: 1 }),
    ]);
    const first = await build(await ask("docs"), await attach("w1", 4));
    expect(await sentences(await ask("runtests"))).toEqual([
      ["directory_in_use", `docs #${first.number} builds in the same directory of w1.`],
    ]);
    expect(await sentences(await ask("docs"))).toEqual([
      ["max_builds", "engine-a runs as many builds of this builder as it may (1)."],
    ]);
  });

  it("the only master that has it drains", async () => {
    await updates.builders.configure([builder("runtests")]);
    await attach("w1");
    const request = await ask();
    await server.post(`/api/v2/masters/${lease.masterid}`, { jsonrpc: "2.0", id: 1, method: "drain", params: {} });
    expect(await sentences(request)).toEqual([
      ["master_draining", "The master engine-a is draining and starts no builds."],
    ]);
  });

  it("or it does not wait: claimed, built, cancelled, complete", async () => {
    await updates.builders.configure([builder("runtests")]);
    const w1 = await attach("w1");
    const request = await ask();
    await updates.buildrequests.claim([request]);
    expect(await sentences(request)).toEqual([["starting", "engine-a has claimed it and is starting its build."]]);
    expect((await server.get("/api/v2/waiting")).body.waiting).toHaveLength(1);
    const made = await build(request, w1);
    expect(await sentences(request)).toEqual([
      ["building", `It is being built on engine-a (build ${made.number} of its builder).`],
    ]);
    expect((await server.get("/api/v2/waiting")).body.waiting).toEqual([]);
    await updates.buildrequests.cancel(request, "not wanted");
    expect((await sentences(request))[0]?.[0]).toBe("cancelled");
    await updates.builds.finish(made.buildid, { results: 6, state: "cancelled" });
    expect((await why(request))[0]).toMatchObject({ kind: "complete", facts: { results: 6 } });
    expect((await server.get("/api/v2/buildrequests/999/why")).status).toBe(404);
  });

  it("lists what waits, whole and by builder", async () => {
    await updates.builders.configure([builder("runtests"), builder("docs")]);
    const requests = [await ask(), await ask("docs"), await ask()];
    await updates.buildrequests.setPriority(requests[2] as number, 7);
    const { body } = await server.get("/api/v2/waiting?order=-priority&limit=2");
    expect(body.meta.total).toBe(3);
    expect(body.waiting.map((item: { buildrequestid: number }) => item.buildrequestid)).toEqual([
      requests[2],
      requests[0],
    ]);
    expect(body.waiting[0]).toMatchObject({ builder: "runtests", priority: 7, reasons: [{ kind: "no_worker" }] });
    const { waiting_builders: groups } = (await server.get("/api/v2/waiting/builders?order=-requests")).body;
    expect(groups).toMatchObject([
      { builder: "runtests", requests: 2, priority: 7, reasons: [{ kind: "no_worker" }] },
      { builder: "docs", requests: 1, reasons: [{ kind: "no_worker" }] },
    ]);
    expect((await server.get(`/api/v2/builders/${groups[1].builderid}/waiting`)).body.waiting).toHaveLength(1);
  });

  it("explains changes that wait for a scheduler's timer", async () => {
    const id = (await updates.schedulers.register(["all", "idle"])).get("all") as number;
    const waiting = async () => (await server.get("/api/v2/waiting/changes")).body.waiting_changes;
    await updates.schedulers.claim(id);
    await updates.schedulers.publish(id, { kind: "changes", timer: { seconds: 600, perBranch: true } });
    const schedule = async () => (await server.get(`/api/v2/schedules/${id}`)).body.schedules[0];
    expect(await schedule()).toMatchObject({ next_at: null, waiting_changes: 0, last_bsid: null, last_at: null });
    const changeids: number[] = [];
    for (const branch of ["main", "main", "next"])
      changeids.push((await updates.changes.add({ author: "a", comments: "c", branch, repository: "r" })).changeid);
    await updates.schedulers.classify(
      id,
      changeids.map((changeid, i) => ({ changeid, verdict: i === 2 ? "unimportant" : "important" })),
    );
    const [main, next] = await waiting();
    expect(main).toMatchObject({ scheduler: "all", branch: "main", changeids: changeids.slice(0, 2) });
    expect(main.reasons).toMatchObject([{ kind: "timer", facts: { until: main.until, master: "engine-a" } }]);
    expect(main.until - main.since).toBeGreaterThanOrEqual(600);
    expect(await schedule()).toMatchObject({ name: "all", kind: "changes", next_at: main.until, waiting_changes: 3 });
    expect(main.changeids_more).toBe(0);
    expect(next.reasons).toMatchObject([{ kind: "not_important" }]);
    for (let n = 0; n < 30; n += 1)
      changeids.push((await updates.changes.add({ author: "a", comments: "c", branch: "main" })).changeid);
    const flood = changeids.slice(3);
    await updates.schedulers.classify(
      id,
      flood.map((changeid) => ({ changeid, verdict: "important" })),
    );
    expect((await waiting()).at(-1)).toMatchObject({ changeids: flood.slice(0, 20), changeids_more: 10 });
    expect(await schedule()).toMatchObject({ waiting_changes: 33 });
    await execute(database, "update mm_scheduler_seen set seen_at = seen_at - 1000");
    expect((await waiting())[0].reasons).toMatchObject([{ kind: "submitting" }]);
    const problem = '"builders" failed for change 1: no idea';
    const noteProblem = (value: { problem: string; at: number } | null) =>
      updates.schedulers.submit(id, [], { ...schedulerProblemKey("all"), value });
    await noteProblem({ problem, at: 1 });
    expect((await waiting())[0].reasons).toMatchObject([
      { kind: "scheduler_failing", sentence: `The scheduler all reports on engine-a: ${problem}. It tries again.` },
    ]);
    await noteProblem(null);
    expect((await waiting())[0].reasons).toMatchObject([{ kind: "submitting" }]);
    const nextRun = Math.floor(Date.now() / 1000) + 3600;
    await updates.schedulers.publish(id, { kind: "times", nextRun });
    expect((await waiting())[0].reasons).toMatchObject([{ kind: "next_run", facts: { until: nextRun } }]);
    await updates.schedulers.publish(id, { kind: "changes", timer: { seconds: 600, perBranch: true } });
    await updates.schedulers.setEnabled(id, false);
    expect((await waiting())[0].reasons).toMatchObject([{ kind: "scheduler_disabled" }]);
    await updates.schedulers.setEnabled(id, true);
    await updates.schedulers.release(id);
    expect((await waiting())[0].reasons).toMatchObject([{ kind: "no_scheduler" }]);
    const properties = { scheduler: ["all", "Scheduler"] } as const;
    const { bsid } = await updates.buildsets.add({ ...buildsetFor("runtests"), properties });
    await updates.buildsets.add(buildsetFor("runtests"));
    expect(await schedule()).toMatchObject({ next_at: null, waiting_changes: 33, last_bsid: bsid });
    expect((await schedule()).last_at).toBeGreaterThanOrEqual(main.since);
    expect((await server.get(`/api/v2/schedulers/${id + 1}/waiting`)).body.waiting_changes).toEqual([]);
  });
});
