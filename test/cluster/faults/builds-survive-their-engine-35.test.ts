import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { findViolations } from "../../harness/checks.ts";
import { startCluster, waitForWorkers } from "../../harness/cluster.ts";
import { startOwnWorker } from "../../harness/own-worker.ts";
import { startTcpProxy } from "../../harness/tcp-proxy.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";
import { waitFor } from "../../harness/wait-for.ts";
import { whatRan } from "./what-ran.ts";

const config = "test/cluster/configs/ledger/cluster.ts";

it("builds on our own worker go on at another engine when theirs is killed: run once, with a gapless log", async () => {
  const outside = temporaryDirectory("survivors");
  const file = (name: string) => join(outside, name);
  // Counts until its gate opens; the gates are the builders' names, as the directories of the builds are.
  const work = `b=$(basename "$(dirname "$PWD")"); echo x >> '${outside}'/runs-$b; i=0
    until [ -e '${outside}'/gate-$b ]; do echo count $i; i=$((i+1)); sleep 0.05; done; echo last $i; echo x >> '${outside}'/ends-$b`;
  const cluster = await startCluster({ config, router: false, env: { POLL: "no", WORK: work, WORKERS: "w1" } });
  const front = await cluster.master({ roles: ["ui", "scheduler"], name: "front" });
  await front.waitReady();
  const doomed = await cluster.master({ roles: ["builder-engine"], name: "doomed" });
  const balancer = await startTcpProxy({ target: await doomed.workerPort() });
  await startOwnWorker({ port: balancer.port, name: "w1", password: cluster.env["WORKER_PASSWORD"] as string });
  await waitForWorkers(front, ["w1"]);
  for (const builder of ["job", "other"])
    await front.apiPost("forceschedulers/force", "force", { builderNames: [builder], reason: "test" });
  const stored = `select b.id from builds b join steps s on s.buildid = b.id and s.name = 'work'
    join logs l on l.stepid = s.id where l.num_lines > 10`;
  await waitFor(async () => (await cluster.rows(stored)).length === 2, { what: "output of both", timeoutMs: 60_000 });

  const heir = await cluster.master({ roles: ["builder-engine"], name: "heir" });
  balancer.retarget(await heir.workerPort());
  await doomed.kill9();
  // One ends while no engine hears it, the other one after it was adopted.
  writeFileSync(file("gate-other"), "");
  await waitFor(() => existsSync(file("ends-other")), { what: "the end of one command" });
  const adopted = `select 1 from builds b join masters m on m.id = b.masterid where m.name = 'heir'`;
  await waitFor(async () => (await cluster.rows(adopted)).length === 2, {
    what: "both builds to be adopted",
    timeoutMs: 60_000,
  });
  writeFileSync(file("gate-job"), "");
  await waitFor(async () => (await cluster.rows("select 1 from buildrequests where complete = 1")).length === 2, {
    what: "the requests to be complete",
    timeoutMs: 60_000,
  });

  expect(await cluster.rows("select number, results from builds")).toEqual([
    { number: 1, results: 0 },
    { number: 1, results: 0 },
  ]);
  expect(whatRan(cluster).toSorted()).toEqual(["begin job 1", "begin other 1", "end job 1", "end other 1"]);
  const builds = await cluster.rows<{ id: number; name: string }>(
    "select b.id, n.name from builds b join builders n on n.id = b.builderid",
  );
  for (const { id, name } of builds) {
    expect(readFileSync(file(`runs-${name}`), "utf8"), name).toBe("x\n");
    const raw = await front.fetch(`api/v2/builds/${id}/steps/work/logs/stdio/raw`);
    const lines = (await raw.text()).split("\n");
    const counted = lines.filter((line) => /^(count|last) /.test(line));
    const last = counted.length - 1;
    expect(last).toBeGreaterThan(10);
    expect(counted).toEqual(Array.from({ length: last + 1 }, (_, i) => `${i === last ? "last" : "count"} ${i}`));
    expect(lines.filter((line) => line.startsWith("elapsedTime="))).toHaveLength(1);
  }
  expect(await findViolations(cluster)).toEqual([]);
});
