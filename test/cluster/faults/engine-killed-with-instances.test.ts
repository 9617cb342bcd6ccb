import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { findViolations } from "../../harness/checks.ts";
import { startCluster } from "../../harness/cluster.ts";
import { findLabelled } from "../../harness/labelled-processes.ts";
import type { TestMaster } from "../../harness/master.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";
import { waitFor } from "../../harness/wait-for.ts";

const isLong = process.env["MULTIMASTER_LONG"] !== undefined;
const size = isLong ? { builds: 50, limit: 5, kills: 2 } : { builds: 12, limit: 3, kills: 1 };

it("killed engines leave no instance behind, never are there too many, and each request is built once to its end", async () => {
  const state = temporaryDirectory("latent");
  const cluster = await startCluster({
    config: "configs/latent-workers/cluster.ts",
    router: false,
    env: { WORK: "sleep 0.5", INSTANCES: String(size.limit), IDLE_TIME: "5s", MULTIMASTER_STATE: state },
  });
  const front = await cluster.master({ roles: ["ui", "scheduler"], name: "front" });
  await front.waitReady();
  const startEngine = async (name: string): Promise<TestMaster> => {
    const engine = await cluster.master({ roles: ["builder-engine"], name });
    await engine.waitReady();
    return engine;
  };
  let doomed = await startEngine("engine-0");
  let most = 0;
  const count = async () => {
    most = Math.max(most, findLabelled(state).length);
    return cluster.rows("select 1 from buildrequests where complete = 1");
  };

  for (let i = 0; i < size.builds; i++) {
    const force = { builderNames: ["job"], reason: `test ${i}` };
    await front.apiPost("forceschedulers/force", "force", force);
  }
  for (let kill = 1; kill <= size.kills; kill++) {
    const done = kill * 2;
    await waitFor(async () => (await count()).length >= done, { what: `${done} builds to end`, timeoutMs: 60_000 });
    const next = await startEngine(`engine-${kill}`);
    await doomed.kill9();
    doomed = next;
  }
  const all = async () => (await count()).length === size.builds;
  await waitFor(all, { what: "all builds to end", timeoutMs: isLong ? 300_000 : 90_000, intervalMs: 200 });
  await waitFor(() => findLabelled(state).length === 0, { what: "no instance to be left", timeoutMs: 60_000 });

  expect(most).toBeGreaterThan(1);
  expect(most).toBeLessThanOrEqual(size.limit);
  expect(await findViolations(cluster)).toEqual([]);
  const ends = await cluster.rows<{ results: number; n: number }>(
    "select results, count(*)::int as n from builds group by results order by results",
  );
  expect(ends[0]).toEqual({ results: 0, n: size.builds });
  await waitFor(async () => (await cluster.rows("select 1 from mm_worker_instances")).length === 0, {
    what: "no row of an instance to be left",
  });
  expect(readdirSync(join(state, "workers", "latent", "pool"))).toEqual([]);
});
