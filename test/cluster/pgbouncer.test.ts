import { expect, it } from "vitest";
import { findViolations } from "../harness/checks.ts";
import { startCluster } from "../harness/cluster.ts";
import { isLong } from "../harness/long-form.ts";
import { startPgbouncer } from "../harness/pgbouncer.ts";
import { waitFor } from "../harness/wait-for.ts";

const config = "test/cluster/configs/ledger/cluster.ts";

// At length only: test/integration/database/pgbouncer.test.ts holds the same of what masters stand on.
it.runIf(isLong)("masters behind PgBouncer in transaction mode build, also after it was killed", async () => {
  const cluster = await startCluster({ config, env: { POLL: "no", WORK: "echo work" } });
  const pooler = await startPgbouncer({ url: cluster.database, mode: "transaction" });
  const env = { DATABASE_URL: pooler.url };
  const front = await cluster.master({ roles: ["ui", "scheduler"], name: "front", env });
  const engine = await cluster.master({ roles: ["builder-engine"], name: "engine", env });
  await Promise.all([front, engine].map((master) => master.waitReady()));
  await cluster.ownWorkers(engine, front, ["w1", "w2"]);
  const force = async (reason: string) => {
    const answer = await front.apiPost("forceschedulers/force", "force", { builderNames: ["job", "other"], reason });
    expect(answer.status).toBe(200);
  };
  for (let i = 0; i < 6; i++) await force(String(i));
  await pooler.kill();
  await pooler.start();
  await waitFor(
    async () =>
      (await front.apiPost("forceschedulers/force", "force", { builderNames: ["job"], reason: "z" })).status === 200,
    { what: "the ui to reach the database again" },
  );
  await waitFor(async () => (await cluster.rows("select 1 from buildrequests where complete = 0")).length === 0, {
    what: "all requests to be complete",
    timeoutMs: 60_000,
  });
  expect(await cluster.rows("select distinct results from builds")).toEqual([{ results: 0 }]);
  expect(await findViolations(cluster)).toEqual([]);
});
