import { expect, it } from "vitest";
import { findViolations } from "../harness/checks.ts";
import { startCluster, waitForGate, waitForWorkers } from "../harness/cluster.ts";
import { startHaproxy } from "../harness/haproxy.ts";
import { isLong } from "../harness/long-form.ts";
import type { TestMaster } from "../harness/master.ts";
import { startOwnWorker } from "../harness/own-worker.ts";
import { waitFor } from "../harness/wait-for.ts";

// As after a restart of one engine after the other: all workers are at the one that has been there for longest.

it("engines that were restarted one after the other share the workers again, and no build is disturbed", async () => {
  const names = ["w1", "w2", "w3", "w4", "w5", "w6"];
  const cluster = await startCluster({
    config: "test/cluster/configs/ledger/cluster.ts",
    env: { WORK: waitForGate, POLL: "no", REBALANCE: "1s", WORKERS: names.join() },
  });
  const balancer = await startHaproxy();
  const ui = await cluster.master({ roles: ["ui"], name: "ui" });
  await cluster.master({ roles: ["scheduler"], name: "scheduler" });
  const start = async (i: number) => {
    const port = balancer.enginePorts[i] as number;
    const env = { WORKER_PORT: String(port) };
    const engine = await cluster.master({ roles: ["builder-engine"], name: `engine-${i}`, env });
    await engine.waitReady();
    await balancer.waitForServer(port);
    return engine;
  };
  const end = async (engine: TestMaster) => {
    engine.sigterm();
    expect(await engine.process.waitForExit({ timeoutMs: 60_000 })).toMatchObject({ code: 0 });
  };
  /** Workers of each engine, by name. */
  const shares = async () => {
    const rows = await cluster.rows<{ name: string; n: number }>(
      `select m.name, (select count(*)::int from connected_workers c where c.masterid = m.id) as n
         from masters m where m.active = 1 and m.name like 'engine-%' order by m.name`,
    );
    return rows.map(({ n }) => n);
  };

  let again = await start(0);
  const password = cluster.env["WORKER_PASSWORD"] ?? "";
  await Promise.all(names.map((name) => startOwnWorker({ port: balancer.workersPort, name, password })));
  await waitForWorkers(ui, names);
  if (isLong) {
    const other = await start(1);
    await end(again);
    again = await start(0);
    await end(other);
    await waitForWorkers(ui, names);
  }
  await ui.apiPost("forceschedulers/force", "force", { builderNames: ["job"], reason: "busy" });
  await waitFor(async () => (await cluster.rows("select id from builds where complete_at is null")).length > 0, {
    what: "the build to run",
  });
  expect(await shares()).toEqual([6]);
  const second = await start(1);
  await waitFor(async () => Math.min(...(await shares())) >= 2, { what: "both engines to have workers" });
  await waitForWorkers(ui, names);
  const moved = again.logLines().filter(({ msg }) => /released to engines with fewer workers/.test(String(msg)));
  expect(moved).toHaveLength(1);
  cluster.openGate();
  await waitFor(async () => (await cluster.rows("select id from builds where complete_at is null")).length === 0, {
    what: "the build to end",
  });
  expect(await cluster.rows("select results from builds")).toEqual([{ results: 0 }]);
  expect(await findViolations(cluster)).toEqual([]);
  for (const one of [again, second]) await one.stop();
});
