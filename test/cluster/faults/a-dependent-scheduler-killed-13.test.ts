import { expect, it } from "vitest";
import { startCluster } from "../../harness/cluster.ts";
import { openSession, waitForBlocked } from "../../harness/database-session.ts";
import { waitFor } from "../../harness/wait-for.ts";

const patient = { timeoutMs: 90_000 };

it("a dependent scheduler that is killed twice is continued: each success is followed once, with its sources", async () => {
  const cluster = await startCluster({ config: "test/cluster/configs/dependent/cluster.ts" });
  const [front, first, second] = [
    await cluster.master({ roles: ["ui", "builder-engine"], name: "front" }),
    await cluster.master({ roles: ["scheduler"], name: "first" }),
    await cluster.master({ roles: ["scheduler"], name: "second" }),
  ];
  await Promise.all([front, first, second].map((master) => master.waitReady()));
  const add = async (...revisions: string[]) => {
    for (const revision of revisions) {
      const change = { author: "ann", comments: revision, branch: "main", revision };
      expect((await front.apiPost("changes", "add", change)).status).toBe(200);
    }
  };
  const ofScheduler = (name: string) => `exists (select 1 from buildset_properties p where p.buildsetid = b.id
    and p.property_name = 'scheduler' and p.property_value like '["${name}"%')`;
  const built = (name: string, more = "") =>
    cluster.rows<{ revision: string; ssid: number }>(
      `select ss.revision, ss.id as ssid from buildsets b join buildset_sourcestamps bs on bs.buildsetid = b.id
        join sourcestamps ss on ss.id = bs.sourcestampid where ${ofScheduler(name)}${more} order by ss.id`,
    );
  const done = (count: number) =>
    waitFor(async () => (await built("quick", " and b.complete = 1")).length >= count, {
      what: `${count} quick buildsets to end`,
      ...patient,
    });
  const holder = async () => {
    const [row] = (await waitFor(
      async () => {
        const rows = await cluster.rows<{ name: string }>(
          `select m.name from scheduler_masters sm join schedulers s on s.id = sm.schedulerid
            join masters m on m.id = sm.masterid where s.name = 'full'`,
        );
        return rows.length > 0 && rows;
      },
      { what: "a master to have the dependent scheduler", ...patient },
    )) as [{ name: string }];
    return row.name === "first" ? first : second;
  };

  await add("r1", "bad", "r2");
  await done(3);
  // Killed while it adds what follows a success: its transaction never commits.
  const doomed = await holder();
  const session = await openSession(cluster);
  await session.run("begin; lock table mm_scheduler_slots in share row exclusive mode");
  await add("r3");
  await waitForBlocked(cluster, "mm_scheduler_slots");
  await doomed.kill9();
  await session.run("commit");
  const next = doomed === first ? second : first;
  await waitFor(async () => (await holder()) === next, { what: "the other one to take over", ...patient });
  await add("r4", "r5");
  await done(6);
  await next.kill9();
  // What succeeds while no scheduler runs is followed when one runs again.
  const last = await cluster.master({ roles: ["scheduler"], name: "last" });
  await last.waitReady();
  await add("r6");
  await waitFor(async () => (await built("full", " and b.complete = 1")).length >= 6, {
    what: "all that follows",
    ...patient,
  });
  await last.stop();
  const quick = await built("quick");
  expect(quick.map(({ revision }) => revision).toSorted()).toEqual(["bad", "r1", "r2", "r3", "r4", "r5", "r6"]);
  expect(await built("full")).toEqual(quick.filter(({ revision }) => revision !== "bad"));
});
