import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { findViolations } from "../../harness/checks.ts";
import { startCluster } from "../../harness/cluster.ts";
import { openSession, waitForBlocked } from "../../harness/database-session.ts";
import { isLong } from "../../harness/long-form.ts";
import { waitFor } from "../../harness/wait-for.ts";

const config = "test/cluster/configs/ledger/cluster.ts";
const builds = isLong ? 100 : 30;

it("an engine whose only connection is taken for two leases keeps its lease, and all its builds end well", async () => {
  const cluster = await startCluster({ config, router: false, env: { POLL: "no", DATABASE_CONNECTIONS: "1" } });
  const front = await cluster.master({ roles: ["ui", "scheduler"], name: "front" });
  await front.waitReady();
  const engine = await cluster.master({ roles: ["builder-engine"], name: "engine" });
  await cluster.ownWorkers(engine, front, ["w1", "w2", "w3", "w4"]);
  for (let n = 0; n < builds / 2; n++)
    await front.apiPost("forceschedulers/force", "force", { builderNames: ["job", "other"], reason: String(n) });
  await waitFor(() => cluster.ledger.lines().length >= 4, { what: "builds to run" });

  const renewals = async () =>
    (await cluster.rows<{ renewed_at: number }>("select renewed_at from mm_leases order by masterid")).map(
      (row) => row.renewed_at,
    );
  const session = await openSession(cluster);
  await session.run("begin; lock table steps in share row exclusive mode");
  await waitForBlocked(cluster, "steps");
  const before = await renewals();
  // The lease is 4 s.
  await sleep(8000);
  await waitForBlocked(cluster, "steps");
  for (const [i, renewed] of (await renewals()).entries()) expect(renewed).toBeGreaterThan((before[i] ?? 0) + 4);
  await session.run("commit");

  await waitFor(async () => (await cluster.rows("select 1 from buildrequests where complete = 1")).length === builds, {
    what: "all requests to be complete",
    timeoutMs: 120_000,
  });
  expect(await cluster.rows("select results, count(*)::int as n from builds group by results")).toEqual([
    { results: 0, n: builds },
  ]);
  expect(await cluster.rows("select distinct epoch from mm_leases where buried_at is null")).toEqual([{ epoch: 1 }]);
  expect(await findViolations(cluster)).toEqual([]);
});
