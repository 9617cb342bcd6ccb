import { expect, it } from "vitest";
import { startBuildbotWorker } from "../../harness/buildbot-worker.ts";
import { findViolations } from "../../harness/checks.ts";
import { startCluster, waitForGate, waitForWorkers } from "../../harness/cluster.ts";
import { isAlive } from "../../harness/processes.ts";
import { startTcpProxy } from "../../harness/tcp-proxy.ts";
import { waitFor } from "../../harness/wait-for.ts";
import { waitForWork } from "./running-work.ts";

const config = "test/cluster/configs/ledger/cluster.ts";

it("a worker that goes silent during a step is detached, and its old command has ended before it builds there again", async () => {
  const cluster = await startCluster({
    config,
    router: false,
    env: { POLL: "no", WORK: waitForGate, WORKERS: "w1", KEEP_ALIVE: "1s" },
  });
  const front = await cluster.master({ roles: ["ui", "scheduler"], name: "front" });
  await front.waitReady();
  const engine = await cluster.master({ roles: ["builder-engine"], name: "engine" });
  const wire = await startTcpProxy({ target: await engine.workerPort() });
  const password = cluster.env["WORKER_PASSWORD"] as string;
  const worker = await startBuildbotWorker({ port: wire.port, name: "w1", password });
  await waitForWorkers(front, ["w1"]);
  await front.apiPost("forceschedulers/force", "force", { builderNames: ["job"], reason: "test" });
  const [orphan] = await waitForWork(cluster, worker);

  wire.stall();
  await waitFor(async () => (await cluster.rows("select 1 from builds where results = 5")).length === 1, {
    what: "the silence to be noticed, and the build to end as RETRY",
    timeoutMs: 60_000,
  });
  // The worker has noticed nothing: what it runs goes on.
  expect(isAlive(orphan as number)).toBe(true);
  expect(await cluster.rows("select workerid from mm_worker_attachments")).toEqual([]);

  wire.resume();
  await waitFor(() => cluster.ledger.lines().length === 2, { what: "the build to run again", timeoutMs: 60_000 });
  expect(isAlive(orphan as number)).toBe(false);
  cluster.openGate();
  await waitFor(async () => (await cluster.rows("select 1 from buildrequests where complete = 1")).length === 1, {
    what: "the request to be complete",
    timeoutMs: 60_000,
  });
  expect(await cluster.rows("select number, results from builds order by number")).toEqual([
    { number: 1, results: 5 },
    { number: 2, results: 0 },
  ]);
  expect(cluster.ledger.lines()).toEqual(["begin job 1", "begin job 2", "end job 2"]);
  expect(await findViolations(cluster)).toEqual([]);
});
