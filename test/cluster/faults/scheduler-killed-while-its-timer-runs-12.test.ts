import { expect, it } from "vitest";
import { startCluster } from "../../harness/cluster.ts";
import { openSession, waitForBlocked } from "../../harness/database-session.ts";
import { waitFor } from "../../harness/wait-for.ts";
import { deliver } from "./deliver.ts";
import { findUnscheduled } from "./find-unscheduled.ts";

const config = "test/cluster/configs/takeover/cluster.ts";
const timerSeconds = 8;

it("timer, classified changes, poller and cursors of a killed scheduler go to the next: the timer fires once, each commit is built once", async () => {
  const cluster = await startCluster({ config, env: { TREE_STABLE: `${timerSeconds}s` } });
  const ui = await cluster.master({ roles: ["ui"], name: "ui" });
  const doomed = await cluster.master({ roles: ["scheduler"], name: "doomed" });
  await Promise.all([ui.waitReady(), doomed.waitReady()]);
  await waitFor(async () => (await cluster.rows("select 1 from object_state where name = 'lastRev'")).length === 1, {
    what: "the first poll",
  });
  const next = await cluster.master({ roles: ["scheduler"], name: "next" });
  await next.waitReady();
  const holders = () =>
    cluster.rows(`
      select distinct m.name from masters m join (select masterid from scheduler_masters
        union all select masterid from changesource_masters) held on held.masterid = m.id order by 1`);
  expect(await holders()).toEqual([{ name: "doomed" }]);

  // A timer runs; then the poller is caught between the commit it has found and the row of its change.
  expect(await deliver(ui, "hooked", "1")).toBe(202);
  const timerRuns = "select 1 from scheduler_changes c join schedulers s on s.id = c.schedulerid and s.name = 'stable'";
  await waitFor(async () => (await cluster.rows(timerRuns)).length === 1, { what: "the timer to run" });
  const session = await openSession(cluster);
  await session.run("begin; lock table changes in share row exclusive mode");
  const pushed = ["one", "two", "three"].map((branch) =>
    cluster.repository.commit({ branch, files: { [branch]: "new" } }),
  );
  await waitForBlocked(cluster, 'insert into "changes"');
  await doomed.kill9();
  const killed = Date.now();
  await session.run("commit");
  await waitFor(async () => JSON.stringify(await holders()) === '[{"name":"next"}]', {
    what: "the other scheduler to take over",
    timeoutMs: 60_000,
  });
  console.log(
    `lease ${cluster.env["LEASE"]}: taken over ${((Date.now() - killed) / 1000).toFixed(1)} s after the kill`,
  );

  // Of "each" and "stable", for the change of the webhook and the three commits, each on a branch of its own.
  const buildsets = (scheduler: string) =>
    cluster.rows<{ revision: string; waited: number }>(`
      select s.revision, b.submitted_at - floor(e.seen_at) as waited from buildsets b
        join buildset_sourcestamps bs on bs.buildsetid = b.id join sourcestamps s on s.id = bs.sourcestampid
        join changes c on c.sourcestampid = s.id join schedulers n on n.name = '${scheduler}'
        join mm_scheduler_seen e on e.changeid = c.changeid and e.schedulerid = n.id
       where b.reason like '%''${scheduler}''%' order by c.changeid`);
  await waitFor(async () => (await buildsets("stable")).length >= 4, {
    what: "the timers to fire",
    timeoutMs: 90_000,
  });
  // Another change goes through everything: a second build of the first one would show by then.
  expect(await deliver(ui, "later", "2")).toBe(202);
  await waitFor(async () => (await buildsets("stable")).length >= 5, {
    what: "the timer of a later change to fire",
    timeoutMs: 60_000,
  });
  const expected = ["hooked", ...pushed, "later"].toSorted();
  for (const scheduler of ["each", "stable"])
    expect((await buildsets(scheduler)).map(({ revision }) => revision).toSorted()).toEqual(expected);
  // Late by the take-over, perhaps, but never early.
  expect((await buildsets("stable")).filter(({ waited }) => waited < timerSeconds)).toEqual([]);
  expect(await cluster.rows("select count(*)::int as n from changes")).toEqual([{ n: 5 }]);
  expect(await findUnscheduled(cluster)).toEqual([]);
});
