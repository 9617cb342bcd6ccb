import { expect, it } from "vitest";
import { findViolations } from "../../harness/checks.ts";
import { startCluster, type TestCluster } from "../../harness/cluster.ts";
import { isLong } from "../../harness/long-form.ts";
import type { TestMaster } from "../../harness/master.ts";
import { startTcpProxy } from "../../harness/tcp-proxy.ts";
import { waitFor } from "../../harness/wait-for.ts";

const config = "test/cluster/configs/ledger/cluster.ts";

/** Writes of a running build, each of which shares its transaction with others: an engine is killed after each of them. */
const writes = isLong
  ? [
      "insert into builds",
      "insert into build_properties",
      "insert into steps",
      "update steps set complete_at",
      "insert into mm_commands",
      "insert into logs",
      "insert into logchunks",
      "update logs set complete",
      "delete from mm_commands",
      "update builds set complete_at",
      "update buildrequests set complete",
      "insert into mm_outbox",
    ]
  : ["insert into build_properties", "update steps set complete_at", "update builds set complete_at"];

it("builds of engines that were killed between two writes of one transaction are run again, and end once", async () => {
  const workers = [...writes.keys(), "last"].map((i) => `w${i}`);
  // Each engine takes over what those before it left, so in the long form a request outlives more than three.
  const env = { WORKERS: workers.join(","), POLL: "no", ENGINE_DEATHS: "any" };
  const cluster = await startCluster({ config, router: false, env });
  const front = await cluster.master({ roles: ["ui", "scheduler"], name: "front" });
  await front.waitReady();
  for (const [i, write] of writes.entries()) await killAfter(cluster, front, write, `w${i}`);

  const survivor = await cluster.master({ roles: ["builder-engine"], name: "survivor" });
  await cluster.workers(survivor, front, ["wlast"]);
  const wanted = 2 * writes.length;
  await waitFor(
    async () =>
      (await cluster.rows("select 1 from buildrequests where complete = 1 and results = 0")).length === wanted,
    { what: "every request to end well", timeoutMs: 120_000 },
  );
  const ended = await cluster.rows("select buildrequestid from builds where results = 0");
  expect(new Set(ended.map(({ buildrequestid }) => buildrequestid)).size).toBe(ended.length);
  expect(await findViolations(cluster)).toEqual([]);
});

/** Starts an engine with one worker and two builds, and kills it when the write is done and its transaction is not. */
async function killAfter(cluster: TestCluster, front: TestMaster, write: string, worker: string): Promise<void> {
  const proxy = await startTcpProxy({ target: cluster.database });
  const env = { DATABASE_URL: proxy.url(cluster.database) };
  const engine = await cluster.master({ roles: ["builder-engine"], name: `engine-${worker}`, env });
  await cluster.workers(engine, front, [worker]);
  const held = proxy.holdAfter(write);
  for (const builder of ["job", "other"])
    await front.apiPost("forceschedulers/force", "force", { builderNames: [builder], reason: write });
  await held.answered;
  await engine.kill9();
  await proxy.stop();
}
