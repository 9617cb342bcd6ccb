import { expect } from "vitest";
import { findViolations } from "../../harness/checks.ts";
import type { TestCluster } from "../../harness/cluster.ts";
import type { TestMaster } from "../../harness/master.ts";
import { waitFor } from "../../harness/wait-for.ts";

export interface KillEnginesOptions {
  builds: number;
  /** Maximum number of instances at the same time. */
  limit: number;
  /** How many engines are killed, one after the other. */
  kills: number;
  /** Starts an engine that instances can reach. */
  startEngine(index: number): Promise<TestMaster>;
  /** The instances that there are, seen from outside. */
  countInstances(): number | Promise<number>;
  timeoutMs: number;
}

/**
 * Kills engines while they build on instances of latent workers. Checks that there are never too many instances, that none
 * and no row of one is left, and that each request was built once to its end.
 */
export async function killEngines(cluster: TestCluster, front: TestMaster, options: KillEnginesOptions): Promise<void> {
  const { builds, limit, kills, startEngine, countInstances, timeoutMs } = options;
  let doomed = await startEngine(0);
  let most = 0;
  const ended = async () => {
    most = Math.max(most, await countInstances());
    return (await cluster.rows("select 1 from buildrequests where complete = 1")).length;
  };
  for (let i = 0; i < builds; i++) {
    const force = { builderNames: ["job"], reason: `test ${i}` };
    await front.apiPost("forceschedulers/force", "force", force);
  }
  for (let kill = 1; kill <= kills; kill++) {
    const done = kill * 2;
    await waitFor(async () => (await ended()) >= done, { what: `${done} builds to end`, timeoutMs: 60_000 });
    const next = await startEngine(kill);
    await doomed.kill9();
    doomed = next;
  }
  const all = async () => (await ended()) === builds;
  await waitFor(all, { what: "all builds to end", timeoutMs, intervalMs: 200 });
  await waitFor(async () => (await countInstances()) === 0, { what: "no instance to be left", timeoutMs: 60_000 });

  expect(most).toBeGreaterThan(1);
  expect(most).toBeLessThanOrEqual(limit);
  expect(await findViolations(cluster)).toEqual([]);
  const ends = await cluster.rows<{ results: number; n: number }>(
    "select results, count(*)::int as n from builds group by results order by results",
  );
  expect(ends[0]).toEqual({ results: 0, n: builds });
  await waitFor(async () => (await cluster.rows("select 1 from mm_worker_instances")).length === 0, {
    what: "no row of an instance to be left",
  });
}
