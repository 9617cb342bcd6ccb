import { Results } from "@multimaster/core";
import gitHubStatus from "@multimaster/plugins/reporters/github-status";
import { callGuarded, FunctionSuspended } from "@multimaster/plugins/reporters/guard-calls";
import httpPush from "@multimaster/plugins/reporters/http-push";
import mail from "@multimaster/plugins/reporters/mail";
import slack from "@multimaster/plugins/reporters/slack";
import { expect, it, vi } from "vitest";
import { onCleanup } from "../../harness/cleanup.ts";
import { startMailServer } from "../../harness/mail-server.ts";
import { buildOf, runningBuild, stamp } from "../../harness/masters-with-data.ts";
import { startReportTarget } from "../../harness/report-target.ts";
import { startRestServer } from "../../harness/rest-server.ts";
import { type SchedulerCluster, startSchedulerCluster } from "../../harness/scheduler-masters.ts";
import { waitFor } from "../../harness/wait-for.ts";

/** Ends builds beside the masters that report. */
async function startBuilding(cluster: SchedulerCluster) {
  const { lease, data } = await cluster.add({});
  const member = { lease, updates: data.updates, database: undefined as never };
  return async () => {
    const { buildid } = await runningBuild(member);
    await member.updates.builds.finish(buildid, { results: Results.SUCCESS, state: "fine" });
    return buildid;
  };
}

it("a report that has nothing to send, or cannot be sent, ends with the reason, for REST as well", async () => {
  const cluster = await startSchedulerCluster("sqlite");
  const target = await startReportTarget();
  const { received, smtp } = await startMailServer();
  const base = { smtp, from: "ci@example.org", events: ["build-ended" as const] };
  const push = { url: target.url, events: ["build-ended" as const], attempts: 1 };
  const reporters = [
    httpPush({ ...push, name: "nothing", body: () => undefined }),
    httpPush({ ...push, name: "no-json", body: () => (() => 1) as never }),
    httpPush({ ...push, name: "too-large", body: () => 10n as never }),
    mail({ ...base, name: "no-author", sendToAuthors: true }),
    mail({ ...base, name: "no-address", to: () => ["ops"] }),
  ];
  await (await cluster.add({ reporters })).start();
  await (await startBuilding(cluster))();
  const rest = await startRestServer(cluster.database);
  const reports = async () =>
    (await rest.get("/api/v2/reports?order=reporter")).body.reports as Record<string, string>[];
  await waitFor(
    async () => {
      const all = await reports();
      return all.length === reporters.length && all.every(({ state }) => state !== "owed");
    },
    { what: "the end of all reports" },
  );
  const function_ = 'the function "body" of the config';
  expect((await reports()).map(({ reporter, state, problem }) => [reporter, state, problem])).toEqual([
    ["no-address", "dead", 'no recipient has a mail address: "ops"'],
    ["no-author", "skipped", "no one is to get it: `to` names no one; there is no change, so no author"],
    ["no-json", "dead", `${function_} must return JSON, or undefined to send nothing, and returned a function`],
    ["nothing", "skipped", `${function_} returned undefined`],
    ["too-large", "dead", `${function_} must return JSON, or undefined to send nothing, and returned 10`],
  ]);
  expect([target.calls, received]).toEqual([[], []]);
});

it("a report whose function is suspended waits for it without using an attempt, and says so", async () => {
  const cluster = await startSchedulerCluster("sqlite");
  const target = await startReportTarget();
  const body = () => ({});
  const message = () => ({ subject: "s", text: "t" });
  const push = { url: target.url, events: ["build-ended" as const], attempts: 1 };
  const hang = () => {
    for (;;);
  };
  // As if other reports had blocked their master.
  for (const fn of [body, message])
    for (let i = 0; i < 3; i++) expect(() => callGuarded(fn, hang, 20)).toThrow("blocked its master");
  const reporters = [httpPush({ ...push, name: "body", body }), slack({ ...push, name: "message", message })];
  await (await cluster.add({ reporters })).start();
  await (await startBuilding(cluster))();
  const rest = await startRestServer(cluster.database);
  const all = async () => (await rest.get("/api/v2/reports?order=reporter")).body.reports as Record<string, unknown>[];
  await waitFor(
    async () => (await all()).length === 2 && (await all()).every(({ problem, unsure }) => problem !== null && !unsure),
    { what: "both reports to wait" },
  );
  const says = (name: string) =>
    expect.stringMatching(`^its function "${name}" blocked its master 3 times, and is not called before .+Z$`);
  expect(await all()).toMatchObject([
    { reporter: "body", state: "owed", attempts: 0, problem: says("body"), next_at: expect.any(Number) },
    { reporter: "message", state: "owed", attempts: 0, problem: says("message"), next_at: expect.any(Number) },
  ]);
  expect((await rest.get("/api/v2/reporters?order=name")).body.reporters).toMatchObject([
    { name: "body", problem: null, report_problem: says("body"), next_at: expect.any(Number) },
    { name: "message", problem: null, report_problem: says("message"), next_at: expect.any(Number) },
  ]);
  expect(target.calls).toEqual([]);
});

it("builds of which a suspended function is to name the status wait for it alone, and are shown in their order", async () => {
  const cluster = await startSchedulerCluster("sqlite");
  const [target, other] = [await startReportTarget(), await startReportTarget()];
  target.answer(() => ({ status: 201 }));
  const context = () => "ci";
  const events = ["build-ended" as const];
  const reporters = [
    gitHubStatus({ name: "status", apiUrl: target.url, token: "t0ken", events, context, parallel: 1 }),
    httpPush({ name: "push", url: other.url, events }),
  ];
  const hang = () => {
    for (;;);
  };
  for (let i = 0; i < 3; i++) expect(() => callGuarded(context, hang, 20)).toThrow("blocked its master");
  await (await cluster.add({ reporters })).start();
  const { lease, data } = await cluster.add({});
  const member = { lease, updates: data.updates, database: undefined as never };
  const sources = [{ ...stamp, repository: "https://forge.example.org/own/r.git" }];
  for (const results of [Results.FAILURE, Results.SUCCESS] as const)
    await member.updates.builds.finish(await buildOf(member, sources), { results, state: "ended" });
  const ofStatus = (condition: string) =>
    cluster.rows<{ id: number }>(
      `select p.id from mm_reports p join mm_reporters r on r.id = p.reporterid where r.name = 'status' and ${condition} order by p.id`,
    );
  const waits =
    "state = 'owed' and p.problem like 'its function \"context\" blocked its master 3 times%' and next_at > 0";
  await waitFor(async () => other.calls.length === 2 && (await ofStatus(waits)).length === 2, {
    what: "the reports of the other, and two that wait",
  });
  expect(target.calls).toEqual([]);
  // The later build comes first, as when more than these have become due.
  const now = performance.now.bind(performance);
  const clock = vi.spyOn(performance, "now").mockImplementation(() => now() + 700_000);
  onCleanup(() => clock.mockRestore());
  for (const { id } of (await ofStatus(waits)).toReversed()) {
    expect(await member.updates.reports.retryReport(id, async () => {})).toBe(true);
    await waitFor(async () => (await ofStatus(`p.id = ${id} and state = 'sent'`)).length === 1, { what: "the report" });
  }
  expect(target.calls.map(({ body }) => body.state)).toEqual(["success"]);
});

it("a filter that is suspended while events are handed out is not asked, and the reporter says so until another config comes", async () => {
  const cluster = await startSchedulerCluster("sqlite");
  const target = await startReportTarget();
  let asked = 0;
  const filter = () => {
    asked++;
    return false;
  };
  const reporter = () =>
    httpPush({ name: "push", url: target.url, events: ["build-ended"], format: "cloudevents", filter });
  const first = await cluster.add({ reporters: [reporter()] });
  await first.start();
  const build = await startBuilding(cluster);
  await build();
  const handed = () =>
    waitFor(async () => asked > 0 && (await cluster.rows("select id from mm_outbox where owed = 1")).length === 0, {
      what: "all to be handed out",
    });
  await handed();
  expect(asked).toBe(1);
  // As if it had blocked its master for a second, three times.
  const hang = () => {
    for (;;);
  };
  for (let i = 0; i < 3; i++) expect(() => callGuarded(filter, hang, 20)).toThrow("blocked its master");
  expect(() => callGuarded(filter, filter)).toThrow(FunctionSuspended);
  const reported = await build();
  await waitFor(() => target.calls.length === 1, { what: "the report" });
  expect(target.calls[0]?.body.data.buildid).toBe(reported);
  expect(asked).toBe(1);
  const suspended = async () =>
    (await cluster.rows<{ suspended: string | null }>("select suspended from mm_reporters where name = 'push'"))[0]
      ?.suspended;
  await waitFor(async () => (await suspended()) !== null, { what: "what is known of the filter" });
  expect(await suspended()).toMatch(
    /^its filter is suspended: it blocked its master 3 times, and is not called before .+Z; what it chooses from is reported as it is$/,
  );
  await first.stop();
  await (
    await cluster.add({ reporters: [httpPush({ name: "push", url: target.url, events: ["build-ended"] })] })
  ).start();
  await waitFor(async () => (await suspended()) === null, { what: "the end of the suspension" });
});
