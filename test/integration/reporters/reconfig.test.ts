import { Results } from "@multimaster/core";
import gitHubStatus from "@multimaster/plugins/reporters/github-status";
import httpPush from "@multimaster/plugins/reporters/http-push";
import { describe, expect, it } from "vitest";
import { aWorker, buildsetFor, type Member, stamp } from "../../harness/masters-with-data.ts";
import { startReportTarget } from "../../harness/report-target.ts";
import { type SchedulerCluster, startSchedulerCluster } from "../../harness/scheduler-masters.ts";
import { engines } from "../../harness/test-databases.ts";
import { waitFor } from "../../harness/wait-for.ts";

const success = { results: Results.SUCCESS, state: "fine" };

/** A master that builds, beside those that report. */
async function startBuilding(cluster: SchedulerCluster): Promise<Member> {
  const { lease, data } = await cluster.add({});
  return { lease, updates: data.updates, database: undefined as never };
}

/** A build of a commit at a forge. */
async function begin(member: Member, revision: string): Promise<number> {
  const source = { ...stamp, revision, repository: "https://forge.example.org/own/r.git" };
  const { requests } = await member.updates.buildsets.add({ ...buildsetFor("runtests"), sourceStamps: [source] });
  const [buildrequestid] = Object.values(requests) as [number];
  await member.updates.buildrequests.claim([buildrequestid]);
  return again(member, buildrequestid);
}

async function again(member: Member, buildrequestid: number): Promise<number> {
  const build = await member.updates.builds.create({ buildrequestid, workerid: await aWorker(member) });
  if (build === "lost") throw new Error("the build was not created");
  return build.buildid;
}

/** Nothing is owed, and all that happened was handed out. */
const settled = (cluster: SchedulerCluster) =>
  waitFor(
    async () =>
      (await cluster.rows("select id from mm_outbox where owed = 1")).length === 0 &&
      (await cluster.rows("select id from mm_reports where state in ('owed', 'unasked')")).length === 0,
    { what: "nothing to be owed" },
  );

describe.each(engines)("with another config, on %s,", (engine) => {
  it("states that a reporter had announced are brought to their end when it comes back, each once", async () => {
    const cluster = await startSchedulerCluster(engine);
    const forge = await startReportTarget();
    forge.answer(() => ({ status: 201, body: {} }));
    const other = await startReportTarget();
    const status = () => gitHubStatus({ name: "forge", apiUrl: forge.url, token: "t0ken" });
    const push = httpPush({ name: "push", url: other.url, events: ["build-ended"] });
    const shown = () =>
      forge.calls.map(
        ({ path, body }) => `${path.split("/").at(-1)} ${body.state} ${body.target_url.split("/").at(-1)}`,
      );
    const building = await startBuilding(cluster);
    const first = await cluster.add({ reporters: [status(), push] });
    await first.start();
    const [ended, running, lost, cancelled] = [
      await begin(building, "ended"),
      await begin(building, "running"),
      await begin(building, "lost"),
      await begin(building, "cancelled"),
    ];
    await waitFor(() => forge.calls.length === 4, { what: "four announcements" });
    // This one is lost while the reporter is there, the other one while it is not.
    await building.updates.builds.finish(cancelled, { results: Results.RETRY, state: "lost" });
    await waitFor(() => forge.calls.length === 5, { what: "the loss" });
    await settled(cluster);
    await first.stop();
    const without = await cluster.add({ reporters: [push] });
    await without.start();
    expect(await building.updates.buildrequests.cancel(await requestOf(cluster, cancelled), "no more")).toBe(
      "cancelled",
    );
    await building.updates.builds.finish(ended, success);
    // A build that was lost, and the one that takes its place.
    await building.updates.builds.finish(lost, { results: Results.RETRY, state: "lost" });
    const buildrequestid = await requestOf(cluster, lost);
    await building.updates.buildrequests.claim([buildrequestid]);
    const second = await again(building, buildrequestid);
    await building.updates.builds.finish(second, { results: Results.FAILURE, state: "bad" });
    await waitFor(() => other.calls.length === 4, { what: "what the other reporter has meanwhile" });
    await settled(cluster);
    await without.stop();
    expect(forge.calls).toHaveLength(5);
    const back = await cluster.add({ reporters: [status(), push] });
    await back.start();
    await waitFor(() => forge.calls.length >= 8, { what: "the ends that were missed" });
    await settled(cluster);
    expect(shown().slice(5).toSorted()).toEqual([
      `cancelled error ${await numberOf(cluster, cancelled)}`,
      `ended success ${await numberOf(cluster, ended)}`,
      `lost failure ${await numberOf(cluster, second)}`,
    ]);
    await building.updates.builds.finish(running, success);
    await waitFor(() => forge.calls.length >= 9, { what: "the end of the build that still ran" });
    await back.stop();
    // Nothing is brought to its end twice.
    const next = await cluster.add({ reporters: [status(), push] });
    await next.start();
    const last = await begin(building, "last");
    await building.updates.builds.finish(last, success);
    await waitFor(() => shown().at(-1)?.startsWith("last success"), { what: "a build after that" });
    await settled(cluster);
    expect(
      shown().filter((state) => /^(ended|lost|running|cancelled) (success|failure|error)/.test(state)),
    ).toHaveLength(4);
    expect(
      await cluster.rows(
        "select id from mm_reports where state = 'sent' and final = 0 and kind = 'build-started' and reporterid = (select id from mm_reporters where name = 'forge')",
      ),
    ).toEqual([]);
  });

  it("reporters are added, changed and removed, and what is owed goes out with a new token without a wait", async () => {
    const cluster = await startSchedulerCluster(engine);
    const target = await startReportTarget();
    target.answer(({ headers }) => ({ status: headers["x-token"] === "new" ? 200 : 401 }));
    const fresh = await startReportTarget();
    const gone = await startReportTarget();
    const push = (name: string, url: string, token: string) =>
      httpPush({ name, url, events: ["build-ended"], format: "cloudevents", headers: { "x-token": token } });
    const building = await startBuilding(cluster);
    const before = await cluster.add({ reporters: [push("kept", target.url, "old"), push("gone", gone.url, "any")] });
    await before.start();
    const builds = [await begin(building, "a"), await begin(building, "b")];
    for (const buildid of builds) await building.updates.builds.finish(buildid, success);
    const paused = "select id from mm_reporters where name = 'kept' and paused_until is not null";
    await waitFor(async () => (await cluster.rows(paused)).length === 1 && gone.calls.length === 2, {
      what: "the pause after a refused token",
    });
    await before.stop();
    const refused = target.calls.length;
    // The same config again: the pause goes on.
    const same = await cluster.add({ reporters: [push("kept", target.url, "old"), push("gone", gone.url, "any")] });
    await same.start();
    await waitFor(async () => (await cluster.rows("select reporterid from mm_reporter_masters")).length === 3, {
      what: "all claims",
    });
    await same.stop();
    expect(target.calls).toHaveLength(refused);
    const after = await cluster.add({ reporters: [push("kept", target.url, "new"), push("fresh", fresh.url, "any")] });
    await after.start();
    await waitFor(() => target.calls.length >= refused + 2, { what: "what was owed, with the new token" });
    await settled(cluster);
    expect(new Set(target.calls.slice(refused).map(({ body }) => body.data.buildid))).toEqual(new Set(builds));
    const later = await begin(building, "c");
    await building.updates.builds.finish(later, success);
    await waitFor(() => fresh.calls.length === 1 && target.calls.length >= refused + 3, { what: "a build after that" });
    expect(fresh.calls[0]?.body.data.buildid).toBe(later);
    expect(gone.calls).toHaveLength(2);
  });
});

async function requestOf(cluster: SchedulerCluster, buildid: number): Promise<number> {
  const [row] = await cluster.rows<{ id: number }>(`select buildrequestid as id from builds where id = ${buildid}`);
  return Number(row?.id);
}

async function numberOf(cluster: SchedulerCluster, buildid: number): Promise<number> {
  const [row] = await cluster.rows<{ number: number }>(`select number from builds where id = ${buildid}`);
  return Number(row?.number);
}
