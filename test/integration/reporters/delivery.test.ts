import { Results } from "@multimaster/core";
import gitHubStatus from "@multimaster/plugins/reporters/github-status";
import httpPush from "@multimaster/plugins/reporters/http-push";
import { describe, expect, it } from "vitest";
import { buildOf, runningBuild, stamp } from "../../harness/masters-with-data.ts";
import { startReportTarget } from "../../harness/report-target.ts";
import { type SchedulerMaster, startSchedulerCluster } from "../../harness/scheduler-masters.ts";
import { engines } from "../../harness/test-databases.ts";
import { waitFor } from "../../harness/wait-for.ts";

const success = { results: Results.SUCCESS, state: "fine" };

/** A master that builds, beside those that report. */
const builderOf = (master: SchedulerMaster) => ({
  lease: master.lease,
  updates: master.data.updates,
  database: undefined as never,
});

const sourceOf = (name: string) => ({ ...stamp, repository: `https://forge.example.org/own/${name}.git` });

describe.each(engines)("reports on %s", (engine) => {
  it("are owed only while a reporter wants them, and each arrives once and in order", async () => {
    const cluster = await startSchedulerCluster(engine);
    const target = await startReportTarget();
    const idle = builderOf(await cluster.add({}));
    const unreported = await runningBuild(idle);
    await idle.updates.builds.finish(unreported.buildid, success);
    expect(await cluster.rows("select id from mm_outbox where owed = 1")).toEqual([]);
    const slice = { reporters: [httpPush({ name: "push", url: target.url, format: "cloudevents" })] };
    const master = await cluster.add(slice);
    await master.start();
    const builds = [];
    for (let i = 0; i < 3; i++) {
      const { buildid } = await runningBuild(idle);
      await idle.updates.builds.finish(buildid, success);
      builds.push(buildid);
    }
    await waitFor(() => target.calls.length >= 6, { what: "six reports" });
    await waitFor(async () => (await cluster.rows("select id from mm_reports where state = 'owed'")).length === 0, {
      what: "no owed report",
    });
    const arrived = target.calls.map(({ body }) => [body.type, body.data.buildid]);
    for (const build of builds)
      expect(arrived.filter(([, id]) => id === build)).toEqual([
        ["multimaster.build-started", build],
        ["multimaster.build-ended", build],
      ]);
    expect(target.calls).toHaveLength(6);
    expect(new Set(target.calls.map(({ body }) => body.id)).size).toBe(6);
    expect(await cluster.rows("select id from mm_outbox where owed = 1")).toEqual([]);
    // A config without reporters withdraws them.
    await master.stop();
    await (await cluster.add({})).start();
    const later = await runningBuild(idle);
    await idle.updates.builds.finish(later.buildid, success);
    expect(await cluster.rows("select id from mm_outbox where owed = 1")).toEqual([]);
  });

  it("wait while their target is away, whatever master sends them, and states that were overtaken are left out", async () => {
    const cluster = await startSchedulerCluster(engine);
    const target = await startReportTarget();
    target.answer(() => ({ status: 503 }));
    const other = await startReportTarget();
    const slice = {
      reporters: [
        gitHubStatus({ name: "status", apiUrl: target.url, token: "t0ken" }),
        httpPush({ name: "push", url: other.url, events: ["build-ended"] }),
      ],
    };
    const first = await cluster.add(slice);
    const second = await cluster.add(slice);
    await first.start();
    const builder = builderOf(await cluster.add({}));
    const buildid = await buildOf(builder, [sourceOf("r")]);
    await waitFor(() => target.calls.length >= 1, { what: "the report" });
    await builder.updates.builds.finish(buildid, { results: Results.FAILURE, state: "broken" });
    // The other target is not held up.
    await waitFor(() => other.calls.length === 1, { what: "the report" });
    await first.drain();
    await cluster.evict(first);
    await second.start();
    const [reporter] = await cluster.rows("select failing_since, problem from mm_reporters where name = 'status'");
    expect(reporter).toMatchObject({ problem: expect.stringContaining("answers 503") });
    const before = target.calls.length;
    target.answer(({ method }) => (method === "GET" ? { body: [] } : { status: 201 }));
    await waitFor(async () => (await cluster.rows("select id from mm_reports where state = 'owed'")).length === 0, {
      what: "no owed report",
    });
    const posted = target.calls.slice(before).filter(({ method }) => method === "POST");
    expect(posted.map(({ path, body }) => [path, body.state, body.context])).toEqual([
      ["/repos/own/r/statuses/abc", "failure", "ci/runtests"],
    ]);
    expect(posted[0]?.headers.authorization).toBe("Bearer t0ken");
    expect(await cluster.rows("select failing_since, problem from mm_reporters where name = 'status'")).toEqual([
      { failing_since: null, problem: null },
    ]);
  });

  it.each([
    ["too is of several codebases", ["aaa", "bbb"]],
    ["is of that commit alone", ["aaa"]],
  ])(
    "of an earlier build never replace those of a later one at a commit that both share, whatever master sends them; the later one %s",
    async (_, apps) => {
      const cluster = await startSchedulerCluster(engine);
      const target = await startReportTarget();
      const slice = {
        reporters: [gitHubStatus({ name: "status", apiUrl: target.url, token: "t0ken", events: ["build-ended"] })],
      };
      const [first, second] = [await cluster.add(slice), await cluster.add(slice)];
      await first.start();
      const builder = builderOf(await cluster.add({}));
      const posted = (name: string) =>
        target.calls.filter(({ method, path }) => method === "POST" && path.includes(`/own/${name}/`));
      const states = async () =>
        (await cluster.rows("select state from mm_reports order by id")).map(({ state }) => state);
      const finish = async (app: string, results: 0 | 2) => {
        const lib = { ...sourceOf("lib"), revision: "lll" };
        const sources = apps.includes(app)
          ? [
              { ...sourceOf("app"), codebase: "app", revision: app },
              { ...lib, codebase: "lib" },
            ]
          : [lib];
        await builder.updates.builds.finish(await buildOf(builder, sources), { results, state: "ended" });
      };
      target.answer(({ path }) => (path.includes("/own/lib/") ? { status: 422 } : { status: 201 }));
      await finish("aaa", Results.FAILURE);
      await waitFor(() => posted("lib").length > 0, { what: "the refusal" });
      target.answer(({ body }) => (body.state === "failure" ? { status: 422 } : { status: 201 }));
      await finish("bbb", Results.SUCCESS);
      await waitFor(async () => (await states())[1] === "sent", { what: "the later build's report" });
      await first.drain();
      await cluster.evict(first);
      target.answer(() => ({ status: 201 }));
      await second.start();
      await waitFor(async () => (await states())[0] === "sent", { what: "the earlier build's report" });
      expect(posted("app").map(({ path }) => path.slice(-3))).toEqual(apps);
      expect(posted("lib").at(-1)?.body.state).toBe("success");
    },
  );

  it("are sent immediately when a user retries one, although the target asked for a pause", async () => {
    const cluster = await startSchedulerCluster(engine);
    const target = await startReportTarget();
    target.answer(() => ({ status: 429, headers: { "retry-after": "3600" } }));
    const slice = { reporters: [httpPush({ name: "push", url: target.url, events: ["build-ended"] })] };
    await (await cluster.add(slice)).start();
    const builder = builderOf(await cluster.add({}));
    const { buildid } = await runningBuild(builder);
    await builder.updates.builds.finish(buildid, success);
    const paused = "select id from mm_reporters where name = 'push' and paused_until is not null";
    await waitFor(async () => (await cluster.rows(paused)).length === 1, { what: "the pause" });
    target.answer(() => undefined);
    const [report] = await cluster.rows<{ id: number }>("select id from mm_reports");
    const id = report?.id as number;
    expect(await builder.updates.reports.retryReport(id, async () => {})).toBe(true);
    await waitFor(async () => (await cluster.rows("select id from mm_reports where state = 'sent'")).length === 1, {
      what: "the report",
    });
    expect(target.calls).toHaveLength(2);
    expect(await builder.updates.reports.retryReport(id, async () => {})).toBe(false);
  });

  it("are sent only by the master that has the claim", async () => {
    const cluster = await startSchedulerCluster(engine);
    const target = await startReportTarget();
    const slice = { reporters: [httpPush({ name: "push", url: target.url, events: ["build-ended"] })] };
    const master = await cluster.add(slice);
    await master.start();
    await waitFor(async () => (await cluster.rows("select reporterid from mm_reporter_masters")).length === 2, {
      what: "the report",
    });
    const builder = builderOf(await cluster.add({}));
    // It looks to itself as if it still had the claim.
    const rows = await cluster.rows<{ id: number }>("select id from mm_reporters where name = 'push'");
    const id = rows[0]?.id as number;
    const { buildid } = await runningBuild(builder);
    await builder.updates.builds.finish(buildid, success);
    await waitFor(() => target.calls.length === 1, { what: "the report" });
    const [report] = await cluster.rows<{ id: number }>("select id from mm_reports");
    await builder.updates.reports.claim(id);
    expect(await builder.updates.reports.begin(id, [report?.id as number])).toBe("lost");
    expect(await builder.updates.reports.handOut(id, [], [], new Map())).toBe("lost");
    const target_ = { problem: null, pauseS: null, sent: 0 };
    expect(await builder.updates.reports.end(id, new Map(), target_, new Map())).toBe("lost");
  });
});
