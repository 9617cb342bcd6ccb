import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { findViolations } from "../harness/checks.ts";
import { startCluster } from "../harness/cluster.ts";
import { waitFor } from "../harness/wait-for.ts";

const config = "test/cluster/configs/ledger/cluster.ts";
const requests = 24;

it("PostgreSQL frozen for longer than a lease, crashed and killed under load costs no master, no request and no retry", async () => {
  const cluster = await startCluster({ config, env: { POLL: "no", WORK: "sleep 1" } });
  const front = await cluster.master({ roles: ["ui", "scheduler"], name: "front" });
  const engines = [
    await cluster.master({ roles: ["builder-engine"], name: "one" }),
    await cluster.master({ roles: ["builder-engine"], name: "two" }),
  ] as const;
  await Promise.all([front, ...engines].map((master) => master.waitReady()));
  await cluster.workers(engines[0], front, ["w1", "w2"]);
  await cluster.ownWorkers(engines[1], front, ["w3", "w4"]);
  for (let i = 0; i < requests; i++) {
    const builderNames = [i % 2 === 0 ? "job" : "other"];
    const answer = await front.apiPost("forceschedulers/force", "force", { builderNames, reason: String(i) });
    expect(answer.status).toBe(200);
  }
  await waitFor(() => cluster.ledger.lines().length > 4, { what: "builds to run" });

  cluster.postgres.freeze();
  // The lease is 4 s: when the server answers again, everybody's has expired.
  await sleep(7000);
  cluster.postgres.thaw();
  await sleep(1500);
  await cluster.postgres.restart("immediate");
  await sleep(1500);
  await cluster.postgres.kill();
  await sleep(6000);
  await cluster.postgres.start();

  await waitFor(
    async () => (await cluster.rows("select 1 from buildrequests where complete = 1")).length === requests,
    { what: "all requests to be complete", timeoutMs: 120_000 },
  );
  for (const master of [front, ...engines]) expect(master.process.exit()).toBeUndefined();
  expect(await cluster.rows("select results, count(*)::int as n from builds group by results")).toEqual([
    { results: 0, n: requests },
  ]);
  expect(await cluster.rows("select epoch from mm_leases group by epoch")).toEqual([{ epoch: 1 }]);
  expect(await findViolations(cluster)).toEqual([]);
});
