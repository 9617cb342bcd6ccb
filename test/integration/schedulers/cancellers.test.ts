import { Results } from "@multimaster/core";
import { explainRequests } from "@multimaster/data";
import anyBranch from "@multimaster/plugins/schedulers/any-branch";
import cancelFailing from "@multimaster/plugins/schedulers/cancel-failing";
import cancelSuperseded from "@multimaster/plugins/schedulers/cancel-superseded";
import { describe, expect, it } from "vitest";
import { type SchedulerCluster, startSchedulerCluster } from "../../harness/scheduler-masters.ts";
import { engines } from "../../harness/test-databases.ts";
import { waitFor } from "../../harness/wait-for.ts";

const all = anyBranch({ name: "all", builders: ["web", "docs"] });

async function push(cluster: SchedulerCluster, revision: string, branch = "main", category?: string): Promise<number> {
  const { changeid } = await cluster.data.updates.changes.add({
    author: "dev",
    comments: "",
    branch,
    revision,
    repository: "https://example.org/r",
    ...(category === undefined ? {} : { category }),
  });
  return changeid;
}

interface Request {
  id: number;
  builder: string;
  results: number;
  revision: string;
  reason: string | null;
}

const requestsOf = (cluster: SchedulerCluster) =>
  cluster.rows<Request>(`select r.id, n.name as builder, r.results, t.revision, x.reason from buildrequests r
    join builders n on n.id = r.builderid join buildset_sourcestamps b on b.buildsetid = r.buildsetid
    join sourcestamps t on t.id = b.sourcestampid left join mm_cancellations x on x.buildrequestid = r.id order by r.id`);

const find = (cluster: SchedulerCluster, revision: string, builder = "web") =>
  waitFor(async () => (await requestsOf(cluster)).find((one) => one.revision === revision && one.builder === builder), {
    what: `the request of ${builder} for ${revision}`,
  });

const isCancelled = (cluster: SchedulerCluster, id: number) =>
  waitFor(async () => (await requestsOf(cluster)).some((one) => one.id === id && one.results === Results.CANCELLED), {
    what: `request ${id} to be cancelled`,
  });

describe.each(engines)("on %s", (engine) => {
  it("a newer change cancels what older ones of its branch wait for, and stops their builds, whichever master dies", async () => {
    const cluster = await startSchedulerCluster(engine);
    const slice = { schedulers: [all, cancelSuperseded({ name: "cancel-old", builders: ["web"] })] };
    const masters = [await cluster.add(slice), await cluster.add(slice)];
    await masters[0]?.start();
    await push(cluster, "r1");
    const [r1, docs] = [await find(cluster, "r1"), await find(cluster, "r1", "docs")];
    await push(cluster, "other", "next");
    const next = await find(cluster, "other");
    // A user asks for the old revision: it is wanted, whatever comes.
    const asked = await cluster.data.updates.buildsets.add({
      reason: "again",
      sourceStamps: [
        { branch: "main", revision: "r1", repository: "https://example.org/r", project: "", codebase: "" },
      ],
      builders: ["web"],
      scheduler: null,
      askedBy: { identity: "user:ann", name: "ann" },
    });
    const second = await push(cluster, "r2");
    await isCancelled(cluster, r1.id);
    const reasons = await explainRequests(cluster.database, [r1.id]);
    expect(reasons.get(r1.id)?.[0]?.sentence).toBe(
      `It is complete: cancelled (superseded by change ${second} (r2 of main)).`,
    );
    // One that is being built, found by another master.
    const r2 = await find(cluster, "r2");
    await cluster.data.updates.buildrequests.claim([r2.id]);
    if (masters[0]) await cluster.evict(masters[0]);
    const third = await push(cluster, "r3");
    await masters[1]?.start();
    await waitFor(async () => (await requestsOf(cluster)).find(({ id }) => id === r2.id)?.reason, { what: "the stop" });
    const rows = await requestsOf(cluster);
    expect(rows.find(({ id }) => id === r2.id)?.reason).toBe(`superseded by change ${third} (r3 of main)`);
    const source = { repository: "https://example.org/r", project: "", codebase: "" };
    const newer = await cluster.data.updates.schedulers.openRequestsOf(source, ["web"], {
      below: third + 1,
      after: next.id,
      limit: 1,
    });
    expect(newer.map(({ buildrequestid }) => buildrequestid)).toEqual([(await find(cluster, "r3")).id]);
    const kept = [docs.id, next.id, Object.values(asked.requests)[0], (await find(cluster, "r3")).id];
    for (const id of kept) expect(rows.find((one) => one.id === id)).toMatchObject({ results: -1, reason: null });
  });

  it("leaves builds alone where the option says so, and asks a function what belongs together", async () => {
    const cluster = await startSchedulerCluster(engine);
    const key = ({ branch }: { branch: string | null }) => {
      if (branch === "broken") throw new Error("no key");
      return (branch ?? "").replace(/-v\d+$/, "");
    };
    const canceller = cancelSuperseded({ name: "cancel-old", builders: ["web"], running: false, key });
    await (await cluster.add({ schedulers: [all, canceller] })).start();
    await push(cluster, "r1", "a-v1");
    const r1 = await find(cluster, "r1");
    await cluster.data.updates.buildrequests.claim([r1.id]);
    await push(cluster, "r2", "a-v2");
    const r2 = await find(cluster, "r2");
    await push(cluster, "x", "broken");
    await push(cluster, "r3", "a-v3");
    await isCancelled(cluster, r2.id);
    const rows = await requestsOf(cluster);
    expect(rows.find(({ id }) => id === r1.id)).toMatchObject({ results: -1, reason: null });
  });

  it("a change for which the builder has no request cancels nothing of it", async () => {
    const cluster = await startSchedulerCluster(engine);
    const code = anyBranch({ name: "code", builders: ["web"], changeFilter: { category: "code" } });
    await (
      await cluster.add({ schedulers: [code, cancelSuperseded({ name: "cancel-old", builders: ["web"] })] })
    ).start();
    await push(cluster, "r1", "main", "code");
    const r1 = await find(cluster, "r1");
    await push(cluster, "r2", "main", "docs");
    await push(cluster, "x1", "next", "code");
    const x1 = await find(cluster, "x1");
    await push(cluster, "x2", "next", "code");
    await isCancelled(cluster, x1.id);
    expect((await requestsOf(cluster)).find(({ id }) => id === r1.id)).toMatchObject({ results: -1, reason: null });
    const last = await push(cluster, "r3", "main", "code");
    await isCancelled(cluster, r1.id);
    const reasons = await explainRequests(cluster.database, [r1.id]);
    expect(reasons.get(r1.id)?.[0]?.sentence).toBe(
      `It is complete: cancelled (superseded by change ${last} (r3 of main)).`,
    );
  });

  it("a failed build cancels the others of its buildset that are named", async () => {
    const cluster = await startSchedulerCluster(engine);
    const three = anyBranch({ name: "all", builders: ["smoke", "web", "docs"] });
    const slice = { schedulers: [three, cancelFailing({ name: "stop-early", builders: ["smoke"], cancels: ["web"] })] };
    await (await cluster.add(slice)).start();
    await push(cluster, "r1");
    const [smoke, web, docs] = [
      await find(cluster, "r1", "smoke"),
      await find(cluster, "r1", "web"),
      await find(cluster, "r1", "docs"),
    ];
    const { updates } = cluster.data;
    const workerid = (await updates.workers.register(["w1"])).get("w1") as number;
    await updates.buildrequests.claim([smoke.id]);
    const build = await updates.builds.create({ buildrequestid: smoke.id, workerid });
    await updates.builds.finish(build === "lost" ? 0 : build.buildid, { results: Results.FAILURE, state: "failed" });
    await isCancelled(cluster, web.id);
    const reasons = await explainRequests(cluster.database, [web.id]);
    expect(reasons.get(web.id)?.[0]?.sentence).toBe(
      "It is complete: cancelled (smoke #1 of the same buildset has failed).",
    );
    expect((await requestsOf(cluster)).find(({ id }) => id === docs.id)?.results).toBe(-1);
    const read = (after: number, cancels?: string[]) =>
      updates.schedulers.openSiblingsOfFailed({ builders: ["smoke"], cancels }, { after, limit: 1 });
    expect(await read(0)).toMatchObject([
      { buildrequestid: docs.id, builder: "docs", failedBuilder: "smoke", number: 1 },
    ]);
    expect([await read(docs.id), await read(0, ["web"])]).toEqual([[], []]);
  });
});
