import { expect, it } from "vitest";
import { startBuildbotWorker } from "../../harness/buildbot-worker.ts";
import { findViolations } from "../../harness/checks.ts";
import { startCluster, waitForGate, waitForWorkers } from "../../harness/cluster.ts";
import { isAlive, listChildren } from "../../harness/processes.ts";
import { startTcpProxy } from "../../harness/tcp-proxy.ts";
import { waitFor } from "../../harness/wait-for.ts";
import { waitForWork } from "./running-work.ts";

const config = "test/cluster/configs/ledger/cluster.ts";

it("a worker that comes to a second engine while the first still believes in it is attached to one, and builds once", async () => {
  const cluster = await startCluster({ config, router: false, env: { POLL: "no", WORK: waitForGate, WORKERS: "w1" } });
  const front = await cluster.master({ roles: ["ui", "scheduler"], name: "front" });
  await front.waitReady();
  const first = await cluster.master({ roles: ["builder-engine"], name: "first" });
  const balancer = await startTcpProxy({ target: await first.workerPort() });
  const password = cluster.env["WORKER_PASSWORD"] as string;
  const worker = await startBuildbotWorker({ port: balancer.port, name: "w1", password });
  await waitForWorkers(front, ["w1"]);
  await front.apiPost("forceschedulers/force", "force", { builderNames: ["job"], reason: "test" });
  const [orphan] = await waitForWork(cluster, worker);
  const second = await cluster.master({ roles: ["builder-engine"], name: "second" });
  balancer.retarget(await second.workerPort());

  balancer.cut("client");
  await waitFor(() => cluster.ledger.lines().length === 2, { what: "the build to run again", timeoutMs: 90_000 });
  expect(isAlive(orphan as number)).toBe(false);
  await waitFor(() => listChildren(worker.pid).length === 1, { what: "one command to run on the worker" });
  const attached = "select m.name from mm_worker_attachments a join masters m on m.id = a.masterid";
  expect(await cluster.rows(attached)).toEqual([{ name: "second" }]);
  const connected = "select m.name from connected_workers c join masters m on m.id = c.masterid";
  expect(await cluster.rows(connected)).toEqual([{ name: "second" }]);
  // It was offered to the second before the first had let it go, and the first was asked.
  expect(second.log()).toContain("is attached to another master, which is asked whether it still answers");
  expect(first.log()).toContain("is offered to another master and does not answer here");

  cluster.openGate();
  await waitFor(async () => (await cluster.rows("select 1 from buildrequests where complete = 1")).length === 1, {
    what: "the request to be complete",
    timeoutMs: 60_000,
  });
  expect(
    await cluster.rows(
      "select b.number, b.results, m.name from builds b join masters m on m.id = b.masterid order by b.number",
    ),
  ).toEqual([
    { number: 1, results: 5, name: "first" },
    { number: 2, results: 0, name: "second" },
  ]);
  expect(cluster.ledger.lines()).toEqual(["begin job 1", "begin job 2", "end job 2"]);
  expect(await findViolations(cluster)).toEqual([]);
});
