import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { findViolations } from "../../harness/checks.ts";
import { startCluster } from "../../harness/cluster.ts";
import { isLong } from "../../harness/long-form.ts";
import { waitFor } from "../../harness/wait-for.ts";
import { whatRan } from "./what-ran.ts";

const config = "test/cluster/configs/ledger/cluster.ts";
const requests = isLong ? 200 : 32;
const Results = { success: 0, cancelled: 6 };

it("requests cancelled through two uis at any moment on two engines end once, and leave no command behind", async () => {
  const cluster = await startCluster({ config, env: { POLL: "no", WORK: "sleep 0.5" } });
  const front = await cluster.master({ roles: ["ui", "scheduler"], name: "front" });
  const ui = await cluster.master({ roles: ["ui"], name: "ui" });
  await Promise.all([front.waitReady(), ui.waitReady()]);
  const one = await cluster.master({ roles: ["builder-engine"], name: "one" });
  const two = await cluster.master({ roles: ["builder-engine"], name: "two" });
  await cluster.workers(one, front, ["w1", "w2"]);
  await cluster.ownWorkers(two, front, ["w3", "w4"]);
  for (let n = 0; n < requests / 2; n++)
    await front.apiPost("forceschedulers/force", "force", { builderNames: ["job", "other"], reason: String(n) });
  const ids = (await cluster.rows<{ id: number }>("select id from buildrequests order by id")).map((row) => row.id);
  expect(ids).toHaveLength(requests);

  // Each at a moment of its own: pending, just claimed, building, about to end, over. Every second one by both uis.
  const cancel = (master: typeof ui, id: number) =>
    master.apiPost(`buildrequests/${id}`, "cancel", { reason: "not wanted" });
  const answers = await Promise.all(
    ids.map(async (id) => {
      await sleep(Math.random() * requests * 200);
      return Promise.all(id % 2 === 0 ? [cancel(front, id)] : [cancel(ui, id), cancel(front, id)]);
    }),
  );
  expect(answers.flat().filter(({ status }) => status >= 500)).toEqual([]);

  await waitFor(
    async () => (await cluster.rows("select 1 from buildrequests where complete = 1")).length === requests,
    { what: "all requests to be complete", timeoutMs: 120_000 },
  );
  await waitFor(async () => (await cluster.rows("select 1 from mm_commands")).length === 0, {
    what: "the commands to be gone from the workers",
    timeoutMs: 30_000,
  });
  const ends = await cluster.rows<{ results: number; builds: number; running: number; good: number }>(`
    select r.results, count(b.id)::int as builds, count(*) filter (where b.id is not null and b.complete_at is null)::int as running,
           count(*) filter (where b.results = 0)::int as good
      from buildrequests r left join builds b on b.buildrequestid = r.id group by r.id, r.results`);
  for (const { results, builds, running, good } of ends) {
    expect([Results.success, Results.cancelled]).toContain(results);
    expect(builds).toBeLessThanOrEqual(1);
    expect(running).toBe(0);
    expect(good).toBe(results === Results.success ? 1 : 0);
  }
  const last = whatRan(cluster).filter((line) => line.startsWith("end"));
  expect(new Set(last).size).toBe(last.length);
  expect(await cluster.rows("select 1 from mm_cancellations")).toEqual([]);
  expect(await findViolations(cluster)).toEqual([]);
});
