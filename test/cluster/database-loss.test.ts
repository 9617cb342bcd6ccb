import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { findViolations } from "../harness/checks.ts";
import { startCluster, type TestCluster, waitForGate } from "../harness/cluster.ts";
import { freePort } from "../harness/ports.ts";
import { waitFor } from "../harness/wait-for.ts";

const config = "test/cluster/configs/ledger/cluster.ts";

async function startBuild(lease = "4s") {
  const env = { WORK: waitForGate, POLL: "no", LEASE: lease };
  const cluster = await startCluster({ config, router: false, env });
  const front = await cluster.master({ roles: ["ui", "scheduler"], name: "front" });
  await front.waitReady();
  // One port for all incarnations: workers come back to where they were.
  const port = { WORKER_PORT: String(await freePort()) };
  const engine = await cluster.master({ roles: ["builder-engine"], name: "engine", env: port });
  await cluster.workers(engine, front, ["w1"]);
  await front.apiPost("forceschedulers/force", "force", { builderNames: ["job"], reason: "test" });
  await waitFor(() => cluster.ledger.lines().length === 1, { what: "the build to run" });
  return { cluster, front, engine };
}

async function waitForEnd(cluster: TestCluster): Promise<void> {
  await waitFor(async () => (await cluster.rows("select 1 from buildrequests where complete = 1")).length === 1, {
    what: "the request to be complete",
    timeoutMs: 90_000,
  });
}

it("a master that gets a signal to end while the database is away finishes its build when the database is back, and ends", async () => {
  // Without a router no one can promise not to evict it: the outage has to be shorter than the lease.
  const { cluster, engine } = await startBuild("30s");
  await cluster.postgres.kill();
  engine.sigterm();
  cluster.openGate();
  await sleep(2000); // The work is done meanwhile, and nothing of it can be written.
  await cluster.postgres.start();
  expect(await engine.process.waitForExit({ timeoutMs: 60_000 })).toMatchObject({ code: 0 });
  await waitForEnd(cluster);
  expect(await cluster.rows("select number, results from builds")).toEqual([{ number: 1, results: 0 }]);
  expect(await findViolations(cluster)).toEqual([]);
});

it("a master that gets a second signal to end does not wait for the database; its build is run again", async () => {
  const { cluster, front, engine } = await startBuild();
  await cluster.postgres.kill();
  engine.sigterm();
  await sleep(1000); // A second wish, not the echo of the first.
  engine.sigterm();
  expect(await engine.process.waitForExit({ timeoutMs: 60_000 })).toMatchObject({ code: 0 });
  await cluster.postgres.start();
  cluster.openGate();
  const next = await cluster.master({ roles: ["builder-engine"], name: "next" });
  await cluster.ownWorkers(next, front, ["w2"]);
  await waitForEnd(cluster);
  expect(await cluster.rows("select number, results from builds order by number")).toEqual([
    { number: 1, results: 5 },
    { number: 2, results: 0 },
  ]);
  expect(await findViolations(cluster)).toEqual([]);
});

it("a master that lost its lease joins again also when the database goes away at that moment", async () => {
  const { cluster, engine } = await startBuild();
  engine.freeze();
  await waitFor(async () => (await cluster.rows("select 1 from mm_leases where buried_at is not null")).length === 1, {
    what: "the frozen engine to be evicted",
    timeoutMs: 60_000,
  });
  engine.thaw();
  await engine.waitForLog(({ msg }) => String(msg).startsWith("the lease is lost"), "the loss of its lease");
  await cluster.postgres.kill();
  await sleep(2000); // Long enough for some attempts in vain.
  await cluster.postgres.start();
  cluster.openGate();
  await waitForEnd(cluster);
  expect(await cluster.rows("select number, results from builds order by number")).toEqual([
    { number: 1, results: 5 },
    { number: 2, results: 0 },
  ]);
  expect(await findViolations(cluster)).toEqual([]);
});
