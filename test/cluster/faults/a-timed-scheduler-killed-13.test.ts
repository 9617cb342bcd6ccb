import { expect, it } from "vitest";
import { startCluster } from "../../harness/cluster.ts";
import { openSession, waitForBlocked } from "../../harness/database-session.ts";
import { waitFor } from "../../harness/wait-for.ts";

const config = "test/cluster/configs/slots/cluster.ts";

it("a timed scheduler that is killed while it decides a slot is continued: no slot is built twice, and what was missed is shown", async () => {
  const cluster = await startCluster({ config });
  const doomed = await cluster.master({ roles: ["scheduler"], name: "doomed" });
  await doomed.waitReady();
  const decided = async () =>
    (await cluster.rows<{ n: number }>("select count(*)::int as n from mm_scheduler_slots"))[0]?.n ?? 0;
  await waitFor(async () => (await decided()) >= 3, { what: "the first slots" });
  const next = await cluster.master({ roles: ["scheduler"], name: "next" });
  await next.waitReady();

  const session = await openSession(cluster);
  await session.run("begin; lock table buildsets in share row exclusive mode");
  await waitForBlocked(cluster, 'insert into "buildsets"');
  await doomed.kill9();
  await session.run("commit");
  const before = await decided();
  await waitFor(async () => (await decided()) >= before + 3, {
    what: "the next one to continue",
    timeoutMs: 60_000,
  });
  await next.waitForLog(
    ({ msg }) => / missed (its run|\d+ runs?) .* because no master ran it then/.test(String(msg)),
    "the missed runs",
  );
  await next.stop();

  // Each buildset has a slot of its own, and each slot a buildset.
  expect(
    await cluster.rows(`select count(*)::int - (select count(*)::int from buildsets) as more,
      count(distinct t.buildsetid)::int - count(*)::int as shared from mm_scheduler_slots t`),
  ).toEqual([{ more: 0, shared: 0 }]);
  // Every second is decided, or counted as passed over by the slot after it.
  const [seconds] = await cluster.rows<{ span: number; counted: number }>(`
    select max(slot) - min(slot) + 1 as span, count(*)::int + sum(passed)::int as counted from mm_scheduler_slots t
      join schedulers s on s.id = t.schedulerid where s.name = 'second'`);
  expect(seconds?.counted).toBe(seconds?.span);
});
