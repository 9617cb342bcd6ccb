import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { findViolations } from "../../harness/checks.ts";
import { startCluster } from "../../harness/cluster.ts";
import { isLong } from "../../harness/long-form.ts";
import type { TestMaster } from "../../harness/master.ts";
import { describeTimes, readMetric } from "../../harness/metrics.ts";
import { residentMegabytes } from "../../harness/processes.ts";
import { startSyntheticWorkers } from "../../harness/synthetic-workers.ts";
import { waitFor } from "../../harness/wait-for.ts";
import { startWorkerFront } from "../../harness/worker-front.ts";

const count = Number(process.env["WORKER_COUNT"] ?? (isLong ? 1000 : 200));
const names = Array.from({ length: count }, (_, i) => `w${i}`);

const attached = `select m.name, a.attached_at from mm_worker_attachments a
  join mm_leases l on l.masterid = a.masterid and l.epoch = a.epoch and l.buried_at is null join masters m on m.id = a.masterid`;

it(`${count} workers of two engines come to the one that is left, and every request ends exactly once`, async () => {
  const cluster = await startCluster({
    config: "test/cluster/configs/ledger/cluster.ts",
    env: { WORKERS: names.join(","), WORK: "sleep 2", POLL: "no", LEASE: isLong ? "15s" : "4s" },
  });
  const front = await cluster.master({ roles: ["ui", "scheduler"], name: "front" });
  const doomed = await cluster.master({ roles: ["builder-engine"], name: "doomed" });
  const survivor = await cluster.master({ roles: ["builder-engine"], name: "survivor" });
  await Promise.all([front, doomed, survivor].map((master) => master.waitReady()));
  const before = residentMegabytes(survivor.process.pid);

  // The commands that the workers received: which builds ran to their end.
  const ended: string[] = [];
  const balancer = await startWorkerFront([await doomed.workerPort(), await survivor.workerPort()]);
  const begun = performance.now();
  startSyntheticWorkers({
    port: balancer.port,
    names,
    password: cluster.env["WORKER_PASSWORD"] as string,
    onCommand: (command) => void (command.startsWith("echo end") && ended.push(command)),
  });
  const attachments = () => cluster.rows<{ name: string; attached_at: number }>(attached);
  await waitFor(async () => (await attachments()).length === count, {
    what: `${count} workers to be attached`,
    timeoutMs: 120_000,
  });
  console.log(`${count} workers were attached after ${((performance.now() - begun) / 1000).toFixed(1)} s`);

  const load = startLoad(front);
  await waitFor(() => ended.length >= 20, { what: "builds to end", timeoutMs: 60_000 });
  const killed = Date.now() / 1000;
  await doomed.kill9();
  const back = await waitFor(
    async () => {
      const rows = (await attachments()).filter(({ name }) => name === "survivor");
      return rows.length === count && rows;
    },
    { what: `all ${count} workers to be attached to the survivor`, timeoutMs: 120_000, intervalMs: 200 },
  );
  const times = back.map(({ attached_at }) => attached_at - killed).filter((seconds) => seconds > 0);
  const [{ buried_at: buried } = { buried_at: 0 }] = await cluster.rows<{ buried_at: number }>(
    "select buried_at from mm_leases where buried_at is not null",
  );
  expect(buried).toBeGreaterThan(killed);
  const requests = await load.stop();

  const done = "select 1 from buildrequests where complete = 1";
  await waitFor(async () => (await cluster.rows(done)).length === requests, {
    what: `all ${requests} requests to be complete`,
    timeoutMs: 120_000,
  });
  expect(await findViolations(cluster)).toEqual([]);
  // An engine may die after a build's last command and before its result is stored; no build ends twice.
  expect(new Set(ended).size).toBe(ended.length);
  const results = await cluster.rows<{ results: number; builds: number }>(
    "select results, count(*)::int as builds from builds group by results order by results",
  );
  expect(results.filter(({ results: code }) => code !== 0 && code !== 5)).toEqual([]);
  expect(await cluster.rows("select 1 from mm_worker_attachments")).toHaveLength(count);

  const url = await survivor.workerUrl().then((ws) => ws.replace("ws:", "http:"));
  const stall = await readMetric(url, "multimaster_event_loop_delay_max_seconds");
  expect(stall).toBeDefined();
  console.log(
    `${times.length} workers came to the survivor: ${describeTimes(times)} after the kill, ` +
      `${describeTimes(times.map((seconds) => killed + seconds - buried))} after the eviction; ` +
      `its longest stall: ${((stall as number) * 1000).toFixed(0)} ms; builds: ${JSON.stringify(results)}; ` +
      `its memory: ${before.toFixed(0)} MB before the workers, ${residentMegabytes(survivor.process.pid).toFixed(0)} MB at the end`,
  );
});

/** Forces builds all the time, until it is stopped or the test is over; `stop` returns how many there were. */
function startLoad(ui: TestMaster): { stop(): Promise<number> } {
  let going = true;
  let requests = 0;
  const running = (async () => {
    while (going) {
      const forced = { builderNames: ["job", "other"], reason: "load" };
      const { status } = await ui.apiPost("forceschedulers/force", "force", forced);
      if (status === 200) requests += 2;
      await sleep(150);
    }
  })();
  // A test that has failed does not wait for it.
  running.catch(() => undefined);
  onTestFinished(() => {
    going = false;
  });
  return {
    async stop() {
      going = false;
      await running;
      return requests;
    },
  };
}
