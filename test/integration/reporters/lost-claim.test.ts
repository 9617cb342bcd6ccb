import { Results } from "@multimaster/core";
import { execute } from "@multimaster/database";
import httpPush from "@multimaster/plugins/reporters/http-push";
import { expect, it } from "vitest";
import { runningBuild } from "../../harness/masters-with-data.ts";
import { startReportTarget } from "../../harness/report-target.ts";
import { startSchedulerCluster } from "../../harness/scheduler-masters.ts";
import { waitFor } from "../../harness/wait-for.ts";

function gateOf<T>() {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

it("a master that loses the claim just before an attempt sends nothing while another one does: nothing is repeated", async () => {
  // Without messages: the first one does not notice that it has the claim no more.
  const cluster = await startSchedulerCluster("postgresql", { mute: true, pollMs: 60_000 });
  const target = await startReportTarget();
  let answerSecond = () => {};
  target.answer(() => (response) => {
    answerSecond = () => void response.end("{}");
  });
  const slice = { reporters: [httpPush({ name: "push", url: target.url, events: ["build-ended"] })] };
  const first = await cluster.add(slice);
  const reports = first.data.updates.reports;
  const begin = reports.begin;
  const gate = gateOf<void>();
  const began = gateOf<unknown>();
  let isWaiting = false;
  reports.begin = async (...args) => {
    isWaiting = true;
    await gate.promise;
    const attempts = begin(...args);
    began.resolve(attempts);
    return attempts;
  };
  await first.start();
  const builder = await cluster.add({});
  const member = { lease: builder.lease, updates: builder.data.updates, database: cluster.database };
  const { buildid } = await runningBuild(member);
  await member.updates.builds.finish(buildid, { results: Results.SUCCESS, state: "fine" });
  await waitFor(() => isWaiting, { what: "the first master to begin", timeoutMs: 30_000 });

  await execute(
    cluster.database,
    "delete from mm_reporter_masters where reporterid = (select id from mm_reporters where name = 'push')",
  );
  const second = await cluster.add(slice);
  await second.start();
  await waitFor(() => target.calls.length === 1, { what: "the second master to send", timeoutMs: 30_000 });
  gate.resolve();
  const attempts = await began.promise;
  // What the first master sent it would have sent by now, or as soon as the second one is answered.
  if (attempts !== "lost") await waitFor(() => target.calls.length === 2, { what: "the repeat" });
  answerSecond();
  await waitFor(async () => (await cluster.rows("select id from mm_reports where state = 'sent'")).length === 1, {
    what: "the report to be sent",
  });
  expect(target.calls.map(({ headers }) => headers["idempotency-key"])).toHaveLength(1);
  expect(attempts).toBe("lost");
});

it("a report that was sent is not sent again when the database does not take its end at first", async () => {
  const cluster = await startSchedulerCluster("sqlite");
  const target = await startReportTarget();
  const master = await cluster.add({
    reporters: [httpPush({ name: "push", url: target.url, events: ["build-ended"] })],
  });
  const { reports } = master.data.updates;
  const end = reports.end;
  let refusals = 0;
  reports.end = async (...args) => {
    if (refusals++ < 2) throw new Error("the database is away");
    return end(...args);
  };
  await master.start();
  const builder = await cluster.add({});
  const member = { lease: builder.lease, updates: builder.data.updates, database: cluster.database };
  const { buildid } = await runningBuild(member);
  await member.updates.builds.finish(buildid, { results: Results.SUCCESS, state: "fine" });
  await waitFor(async () => (await cluster.rows("select id from mm_reports where state = 'sent'")).length === 1, {
    what: "the end to be written down",
    timeoutMs: 60_000,
  });
  expect(refusals).toBe(3);
  expect(target.calls).toHaveLength(1);
});
