import { expect, it } from "vitest";
import { startCluster } from "../../harness/cluster.ts";
import { holdCommits, openSession, waitForBlocked } from "../../harness/database-session.ts";
import { waitFor } from "../../harness/wait-for.ts";
import { deliver } from "./deliver.ts";
import { findUnscheduled } from "./find-unscheduled.ts";

const config = "test/cluster/configs/ledger/cluster.ts";

it("a webhook whose ui was killed between the commit and the answer is delivered again, and makes one change and one buildset", async () => {
  const cluster = await startCluster({ config, env: { POLL: "no" } });
  const first = await cluster.master({ roles: ["ui"], name: "first" });
  const second = await cluster.master({ roles: ["ui"], name: "second" });
  await cluster.master({ roles: ["scheduler"], name: "scheduler" });
  await Promise.all([first.waitReady(), second.waitReady()]);

  const session = await openSession(cluster);
  await holdCommits(session, "changes");
  await session.run("select pg_advisory_lock(4711)");
  const answer = deliver(first, "r1", "delivery-1").catch(() => "no answer");
  await waitForBlocked(cluster, "^commit");
  expect(await cluster.rows("select 1 from changes")).toEqual([]);
  // It cannot hear that the commit it has asked for succeeds.
  first.freeze();
  await session.run("select pg_advisory_unlock(4711)");
  await waitFor(async () => (await cluster.rows("select 1 from changes")).length === 1, { what: "the commit" });
  await first.kill9();
  expect(await answer).toBe("no answer");

  expect(await deliver(second, "r1", "delivery-1")).toBe(202);
  await waitFor(async () => (await cluster.rows("select 1 from buildsets")).length >= 2, {
    what: "a buildset of each scheduler",
    timeoutMs: 60_000,
  });
  // A later change has been built: a second buildset of the first one would exist by then.
  expect(await deliver(second, "r2", "delivery-2")).toBe(202);
  await waitFor(async () => (await cluster.rows("select 1 from buildsets")).length >= 4, {
    what: "the buildsets of a later change",
    timeoutMs: 60_000,
  });
  expect(await cluster.rows("select revision from changes order by changeid")).toEqual([
    { revision: "r1" },
    { revision: "r2" },
  ]);
  expect(await cluster.rows("select count(*)::int as n from buildsets")).toEqual([{ n: 4 }]);
  expect(await findUnscheduled(cluster)).toEqual([]);
});
