import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { startBuildbotWorker } from "../../harness/buildbot-worker.ts";
import { findViolations } from "../../harness/checks.ts";
import { startCluster, waitForWorkers } from "../../harness/cluster.ts";
import { startTcpProxy } from "../../harness/tcp-proxy.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";
import { waitFor } from "../../harness/wait-for.ts";
import { waitForWork } from "./running-work.ts";

const config = "test/cluster/configs/ledger/cluster.ts";

it("a command of a dead engine that completes at the next one, while that runs its own, ends nothing there", async () => {
  const outside = temporaryDirectory("orphan");
  const [count, gate] = [join(outside, "count"), join(outside, "gate")];
  // The first to run fails when the gate opens; the second succeeds, some time after it.
  const work = `n=$(cat '${count}' 2>/dev/null | wc -l); echo x >> '${count}'; until [ -e '${gate}' ]; do sleep 0.2; done; [ "$n" = 1 ] && sleep 3; [ "$n" = 1 ]`;
  const cluster = await startCluster({ config, router: false, env: { POLL: "no", WORK: work, WORKERS: "w1" } });
  const front = await cluster.master({ roles: ["ui", "scheduler"], name: "front" });
  await front.waitReady();
  const dying = await cluster.master({ roles: ["builder-engine"], name: "dying" });
  const balancer = await startTcpProxy({ target: await dying.workerPort() });
  const password = cluster.env["WORKER_PASSWORD"] as string;
  const worker = await startBuildbotWorker({ port: balancer.port, name: "w1", password });
  await waitForWorkers(front, ["w1"]);
  await front.apiPost("forceschedulers/force", "force", { builderNames: ["job"], reason: "test" });
  await waitForWork(cluster, worker);

  const heir = await cluster.master({ roles: ["builder-engine"], name: "heir" });
  balancer.retarget(await heir.workerPort());
  await dying.kill9();
  // As if the worker had not heard the interrupt: no one knows of the orphan any more.
  await cluster.rows("delete from mm_commands");
  await waitForWork(cluster, worker, { builds: 2 });
  writeFileSync(gate, "");

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
