import { expect, it } from "vitest";
import { startCluster } from "../../harness/cluster.ts";
import { openSession, waitForBlocked } from "../../harness/database-session.ts";
import { waitFor } from "../../harness/wait-for.ts";
import { deliver } from "./deliver.ts";
import { findUnscheduled } from "./find-unscheduled.ts";

const config = "test/cluster/configs/ledger/cluster.ts";

it("a scheduler that stood still in mid-submission and wakes beside its successor submits nothing a second time", async () => {
  const cluster = await startCluster({ config, env: { POLL: "no" } });
  const ui = await cluster.master({ roles: ["ui"], name: "ui" });
  const frozen = await cluster.master({ roles: ["scheduler"], name: "frozen" });
  await Promise.all([ui.waitReady(), frozen.waitReady()]);
  await waitFor(async () => (await cluster.rows("select 1 from scheduler_masters")).length === 4, {
    what: "the schedulers to be claimed",
  });
  const next = await cluster.master({ roles: ["scheduler"], name: "next" });
  await next.waitReady();

  const session = await openSession(cluster);
  await session.run("begin; lock table buildsets in share row exclusive mode");
  expect(await deliver(ui, "r1", "1")).toBe(202);
  await waitForBlocked(cluster, 'insert into "buildsets"', 2);
  frozen.freeze();
  await session.run("commit");
  await waitFor(async () => (await cluster.rows("select 1 from buildsets")).length >= 2, {
    what: "the successor to submit",
    timeoutMs: 60_000,
  });
  // It wakes while there is work that it takes for its own.
  for (const n of [2, 3, 4]) expect(await deliver(ui, `r${n}`, String(n))).toBe(202);
  frozen.thaw();
  await frozen.waitForLog(({ msg }) => /the lease (is|was) lost/.test(String(msg)), "the loss of its lease");
  for (const n of [5, 6, 7]) expect(await deliver(ui, `r${n}`, String(n))).toBe(202);
  await waitFor(async () => (await cluster.rows("select 1 from buildsets")).length >= 14, {
    what: "all buildsets",
    timeoutMs: 60_000,
  });
  await waitFor(
    async () =>
      (
        await cluster.rows(
          "select 1 from mm_leases l join masters m on m.id = l.masterid where m.name = 'frozen' and l.epoch = 2 and l.state = 'running'",
        )
      ).length === 1,
    { what: "the frozen one to join again", timeoutMs: 60_000 },
  );
  expect(await cluster.rows("select count(*)::int as n from buildsets")).toEqual([{ n: 14 }]);
  expect(await findUnscheduled(cluster)).toEqual([]);
});
