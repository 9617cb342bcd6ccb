import { expect, it } from "vitest";
import { findViolations } from "../../harness/checks.ts";
import { startCluster, type TestCluster, waitForGate } from "../../harness/cluster.ts";
import { openSession, waitForBlocked } from "../../harness/database-session.ts";
import { waitFor } from "../../harness/wait-for.ts";
import { deliver } from "./deliver.ts";

const config = "test/cluster/configs/ledger/cluster.ts";

it("a request that one engine collapses while another one claims it is either collapsed or built, also if the first dies", async () => {
  const cluster = await startCluster({
    config,
    env: { WORKERS: "a1,b1", WORK: waitForGate, POLL: "no", COLLAPSE: "yes" },
  });
  const front = await cluster.master({ roles: ["ui"], name: "front" });
  const schedulers = [
    await cluster.master({ roles: ["scheduler"], name: "s1" }),
    await cluster.master({ roles: ["scheduler"], name: "s2" }),
  ];
  const doomed = await cluster.master({ roles: ["builder-engine"], name: "doomed" });
  for (const master of [front, ...schedulers, doomed]) await master.waitReady();
  await cluster.workers(doomed, front, ["a1"]);
  const other = await cluster.master({ roles: ["builder-engine"], name: "other" });
  await other.waitReady();
  let delivered = 0;
  const push = async () => {
    delivered += 1;
    expect(await deliver(front, `r${delivered}`, String(delivered))).toBe(202);
    await waitFor(async () => (await cluster.rows("select 1 from buildsets")).length === 2 * delivered, {
      what: "both schedulers to submit",
      timeoutMs: 60_000,
    });
  };
  // Both engines are in the middle of collapsing, with the rows locked.
  const session = await openSession(cluster);
  await session.run("begin; lock table mm_request_ends in share row exclusive mode");
  await push();
  await push();
  await push();
  await waitForBlocked(cluster, "mm_request_ends", 1);
  // A worker comes to the other engine, which tries to claim what is being collapsed.
  await cluster.workers(other, front, ["b1"]);
  await doomed.kill9();
  await session.run("commit");
  for (let i = 0; i < 4; i += 1) await push();
  cluster.openGate();
  const open = "select 1 from buildrequests where complete <> 1";
  await waitFor(async () => (await cluster.rows(open)).length === 0, {
    what: "all requests to end",
    timeoutMs: 60_000,
  });
  for (let i = 0; i < 6; i += 1) await push();
  await waitFor(async () => (await cluster.rows(open)).length === 0, {
    what: "all requests to end",
    timeoutMs: 60_000,
  });

  expect((await cluster.rows("select 1 from buildrequests where results = 3")).length).toBeGreaterThan(0);
  expect(await findUnbuilt(cluster)).toEqual([]);
  expect(await findViolations(cluster)).toEqual([]);
  expect(other.log()).not.toContain("could not be collapsed");
});

/** Changes that are not in exactly one build of each scheduler, of those that were not run again. */
function findUnbuilt(cluster: TestCluster): Promise<object[]> {
  return cluster.rows(
    `select c.changeid, bu.name, count(b.id)::int as builds from changes c cross join builders bu
       left join (buildset_sourcestamps s join buildrequests r on r.buildsetid = s.buildsetid
         left join mm_request_ends e on e.buildrequestid = r.id and e.kind = 'collapsed'
         join builds b on b.buildrequestid = coalesce(e.into_requestid, r.id) and b.results = 0)
         on s.sourcestampid = c.sourcestampid and r.builderid = bu.id
      where bu.name in ('job', 'other') group by 1, 2 having count(b.id) <> 1`,
  );
}
