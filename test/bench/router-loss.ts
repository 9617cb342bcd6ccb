import { setTimeout as sleep } from "node:timers/promises";
import { startCluster, type TestCluster } from "../harness/cluster.ts";
import { readLedger } from "../harness/ledger.ts";
import type { TestMaster } from "../harness/master.ts";
import { waitFor } from "../harness/wait-for.ts";

/** Milliseconds between two commands that follow each other, of builds of which each step of the way needs another master. */
export interface GapsOfWork {
  readonly before: readonly number[];
  readonly without: readonly number[];
}

/** Measures a cluster for so many seconds with its router, and as long after the router was killed. */
export async function measureRouterLoss(env: Record<string, string>, seconds: number): Promise<GapsOfWork> {
  const cluster = await startCluster({
    config: "test/cluster/configs/ledger/cluster.ts",
    router: "own",
    env: { WORKERS: "p1,c1", POLL: "no", ...env },
  });
  const ui = await startMasters(cluster);
  const before = await gapsOfWork(cluster, ui, seconds);
  await cluster.crossbar.kill();
  return { before, without: await gapsOfWork(cluster, ui, seconds) };
}

async function startMasters(cluster: TestCluster): Promise<TestMaster> {
  const ui = await cluster.master({ roles: ["ui"], name: "ui" });
  const scheduler = await cluster.master({ roles: ["scheduler"], name: "scheduler" });
  const parents = await cluster.master({ roles: ["builder-engine"], builders: ["parents"], name: "parents" });
  const children = await cluster.master({ roles: ["builder-engine"], builders: ["all"], name: "children" });
  await Promise.all([ui, scheduler, parents, children].map((master) => master.waitReady()));
  await Promise.all([cluster.ownWorkers(parents, ui, ["p1"]), cluster.ownWorkers(children, ui, ["c1"])]);
  return ui;
}

/** One parent after the other, each with a child at another engine: whatever is waited for is waited for by all. */
async function gapsOfWork(cluster: TestCluster, ui: TestMaster, seconds: number): Promise<number[]> {
  const before = readLedger(cluster.ledger.path).length;
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    await ui.apiPost("forceschedulers/force", "force", { builderNames: ["parent"], reason: "bench" });
    await waitFor(async () => (await cluster.rows("select 1 from buildrequests where complete = 0")).length === 0, {
      what: "the parent to end",
      intervalMs: 20,
    });
    await sleep(50 * Math.random());
  }
  const times = readLedger(cluster.ledger.path)
    .slice(before)
    .map(({ nonce = "" }) => Number(BigInt(nonce.split("-")[1] ?? 0) / 1_000_000n));
  return times.slice(1).map((time, i) => time - (times[i] as number));
}
