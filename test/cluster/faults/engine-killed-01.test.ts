import { expect, it } from "vitest";
import { findViolations } from "../../harness/checks.ts";
import { startCluster, waitForGate } from "../../harness/cluster.ts";
import { isLong } from "../../harness/long-form.ts";
import { waitFor } from "../../harness/wait-for.ts";

const config = "test/cluster/configs/ledger/cluster.ts";

/** The long form keeps the default lease; the short one dies faster. */
const lease = isLong ? "15s" : "4s";

it("builds of an engine that was killed are run again by one of another name, and end once", async () => {
  const cluster = await startCluster({
    config,
    env: { WORKERS: "a1,a2,b1,b2", WORK: waitForGate, POLL: "no", LEASE: lease },
  });
  const front = await cluster.master({ roles: ["ui", "scheduler"], name: "front" });
  await front.waitReady();
  const doomed = await cluster.master({ roles: ["builder-engine"], name: "doomed" });
  await cluster.workers(doomed, front, ["a1", "a2"]);

  for (let i = 0; i < 4; i++)
    await front.apiPost("forceschedulers/force", "force", {
      builderNames: [i % 2 === 0 ? "job" : "other"],
      reason: "test",
    });
  await waitFor(() => cluster.ledger.lines().filter((line) => line.startsWith("begin")).length === 4, {
    what: "four builds to run",
  });
  const survivor = await cluster.master({ roles: ["builder-engine"], name: "survivor" });
  await cluster.workers(survivor, front, ["b1", "b2"]);
  const killed = Date.now() / 1000;
  await doomed.kill9();
  cluster.openGate();

  await waitFor(async () => (await cluster.rows("select 1 from buildrequests where complete = 1")).length === 4, {
    what: "the four requests to be complete",
    timeoutMs: 90_000,
  });
  const builds = await cluster.rows<{ results: number; name: string }>(
    "select b.results, m.name from builds b join masters m on m.id = b.masterid order by b.id",
  );
  expect(builds.filter(({ name }) => name === "doomed").map(({ results }) => results)).toEqual([5, 5, 5, 5]);
  expect(builds.filter(({ name }) => name === "survivor").map(({ results }) => results)).toEqual([0, 0, 0, 0]);
  expect(await findViolations(cluster)).toEqual([]);
  const [first] = await cluster.rows<{ at: number }>(
    "select min(started_at) as at from builds b join masters m on m.id = b.masterid where m.name = 'survivor'",
  );
  console.log(`lease ${lease}: the builds ran again ${((first?.at ?? 0) - killed).toFixed(0)} s after the kill`);
  const held = await cluster.rows(`
    select masterid from (select masterid from builder_masters union all select masterid from scheduler_masters
      union all select masterid from changesource_masters union all select masterid from connected_workers
      union all select masterid from mm_worker_attachments
      union all select c.masterid from buildrequest_claims c join buildrequests r on r.id = c.brid and r.complete = 0) held
    join masters m on m.id = held.masterid where m.name = 'doomed'`);
  expect(held).toEqual([]);
});
