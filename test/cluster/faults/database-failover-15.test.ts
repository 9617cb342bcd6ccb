import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { findViolations } from "../../harness/checks.ts";
import { startCluster, waitForGate } from "../../harness/cluster.ts";
import type { TestMaster } from "../../harness/master.ts";
import { startPostgres } from "../../harness/postgres.ts";
import { waitFor } from "../../harness/wait-for.ts";
import { deliver } from "./deliver.ts";

const config = "test/cluster/configs/ledger/cluster.ts";

/** Deliveries to both masters in turn, until the signal; the revisions of those that were acknowledged, and all other answers. */
async function deliverUntil(stopped: AbortSignal, masters: readonly TestMaster[]) {
  const acknowledged: string[] = [];
  const refusals = new Set<number>();
  for (let n = 0; !stopped.aborted; n++) {
    const status = await deliver(masters[n % masters.length] as TestMaster, `r${n}`, `d${n}`).catch(() => 0);
    if (status === 202) acknowledged.push(`r${n}`);
    else refusals.add(status);
    await sleep(200);
  }
  return { acknowledged, refusals };
}

it("masters follow a killed PostgreSQL primary to its promoted standby: builds go on, and nothing acknowledged is lost", async () => {
  const cluster = await startCluster({
    config,
    router: false,
    env: { POLL: "no", BUS: "notify", LEASE: "10s", WORK: waitForGate },
  });
  const standby = await startPostgres({ standbyOf: cluster.postgres });
  await cluster.postgres.psql("alter system set synchronous_standby_names = '*'");
  await cluster.postgres.psql("select pg_reload_conf()");
  // The standby comes first: masters pass over it while it takes no writes.
  const DATABASE_URL = cluster.database.replace("@", `@127.0.0.1:${standby.port},`);
  const database = cluster.database.replace(/:\d+\//, `:${standby.port}/`);
  const rows: typeof cluster.rows = (sql) => standby.psql(sql, database) as never;
  const one = await cluster.master({ name: "one", env: { DATABASE_URL } });
  const two = await cluster.master({ name: "two", env: { DATABASE_URL } });
  await Promise.all([one, two].map((master) => master.waitReady()));
  await cluster.ownWorkers(one, one, ["w1", "w2"]);
  await cluster.ownWorkers(two, one, ["w3", "w4"]);
  for (const builderNames of [["job"], ["other"], ["job"], ["other"]])
    expect((await one.apiPost("forceschedulers/force", "force", { builderNames, reason: "test" })).status).toBe(200);
  await waitFor(() => cluster.ledger.lines().length === 4, { what: "four builds to run" });
  const stop = new AbortController();
  const delivering = deliverUntil(stop.signal, [one, two]);
  await sleep(1000);

  await cluster.postgres.kill();
  await sleep(1500);
  await standby.psql("select pg_promote()");
  await waitFor(async () => (await deliver(one, "after", "after")) === 202, { what: "a delivery to be acknowledged" });
  stop.abort();
  const { acknowledged, refusals } = await delivering;
  cluster.openGate();
  await waitFor(
    async () => {
      // A change whose answer was lost with the primary may be there, too.
      const [open] = await rows<{ n: number }>(
        `select (select count(*) from buildrequests where complete = 0) + (select count(*) from scheduler_changes)
           + abs(4 + 2 * (select count(*) from changes) - (select count(*) from buildsets)) as n`,
      );
      return Number(open?.n) === 0;
    },
    { what: "two buildsets of each change, and all requests to be complete", timeoutMs: 60_000 },
  );

  expect(refusals).toEqual(new Set([503]));
  const changes = await rows<{ revision: string }>("select revision from changes");
  expect(changes.map(({ revision }) => revision)).toEqual(expect.arrayContaining(acknowledged));
  expect(await rows("select distinct results from builds")).toEqual([{ results: 0 }]);
  expect(await rows("select distinct epoch, buried_at from mm_leases")).toEqual([{ epoch: 1, buried_at: null }]);
  expect(await findViolations({ database, ledger: cluster.ledger, rows })).toEqual([]);
});
