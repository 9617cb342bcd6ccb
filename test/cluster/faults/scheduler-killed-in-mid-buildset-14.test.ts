import { expect, it } from "vitest";
import { startCluster } from "../../harness/cluster.ts";
import { openSession, waitForBlocked } from "../../harness/database-session.ts";
import { waitFor } from "../../harness/wait-for.ts";
import { deliver } from "./deliver.ts";
import { findUnscheduled } from "./find-unscheduled.ts";

const config = "test/cluster/configs/ledger/cluster.ts";

it("a scheduler killed between a buildset and its requests leaves nothing of it, and the next one makes it whole", async () => {
  const cluster = await startCluster({ config, env: { POLL: "no" } });
  const ui = await cluster.master({ roles: ["ui"], name: "ui" });
  const doomed = await cluster.master({ roles: ["scheduler"], name: "doomed" });
  await Promise.all([ui.waitReady(), doomed.waitReady()]);
  await waitFor(async () => (await cluster.rows("select 1 from scheduler_masters")).length === 4, {
    what: "the schedulers to be claimed",
  });

  const session = await openSession(cluster);
  await session.run("begin; lock table buildrequests in share row exclusive mode");
  expect(await deliver(ui, "r1", "1")).toBe(202);
  await waitForBlocked(cluster, "insert into .?buildrequests");
  await doomed.kill9();
  await session.run("commit");
  await waitFor(
    async () =>
      (await cluster.rows("select 1 from pg_stat_activity where query ~ 'insert into .?buildrequests'")).length <= 1,
    { what: "the server to notice that the client is gone" },
  );
  expect(await cluster.rows("select 1 from buildsets")).toEqual([]);
  expect(await cluster.rows("select 1 from buildrequests")).toEqual([]);

  await cluster.master({ roles: ["scheduler"], name: "next" });
  await waitFor(async () => (await cluster.rows("select 1 from buildsets")).length >= 2, {
    what: "a buildset of each scheduler",
    timeoutMs: 60_000,
  });
  expect(await deliver(ui, "r2", "2")).toBe(202);
  await waitFor(async () => (await cluster.rows("select 1 from buildsets")).length >= 4, {
    what: "the buildsets of a later change",
    timeoutMs: 60_000,
  });
  expect(await cluster.rows("select count(*)::int as n from buildsets")).toEqual([{ n: 4 }]);
  expect(await cluster.rows("select count(*)::int as n from buildrequests")).toEqual([{ n: 4 }]);
  expect(await findUnscheduled(cluster)).toEqual([]);
});
