import { expect, it } from "vitest";
import { findViolations } from "../../harness/checks.ts";
import { startCluster, waitForGate } from "../../harness/cluster.ts";
import { startTcpProxy } from "../../harness/tcp-proxy.ts";
import { waitFor } from "../../harness/wait-for.ts";

const config = "test/cluster/configs/ledger/cluster.ts";

it("engines cut off from the database, or from everything, stop their commands before others run them, and come back", async () => {
  const cluster = await startCluster({ config, env: { WORKERS: "a1,a2,b1,b2", WORK: waitForGate, POLL: "no" } });
  const front = await cluster.master({ roles: ["ui", "scheduler"], name: "front" });
  await front.waitReady();
  const [refused, halfOpen] = [
    await startTcpProxy({ target: cluster.database }),
    await startTcpProxy({ target: cluster.database }),
  ];
  const router = cluster.router as NonNullable<typeof cluster.router>;
  const routerOfTwo = await startTcpProxy({ target: router.url });
  const through = (proxy: typeof refused) => ({ DATABASE_URL: proxy.url(cluster.database) });
  const one = await cluster.master({ roles: ["builder-engine"], name: "one", env: through(refused) });
  const two = await cluster.master({
    roles: ["builder-engine"],
    name: "two",
    env: { ...through(halfOpen), WAMP_ROUTER: routerOfTwo.url(router.url) },
  });
  const workers = [...(await cluster.workers(one, front, ["a1"])), ...(await cluster.workers(two, front, ["a2"]))];
  // A builder's directory on a worker takes one build: each of the two engines gets one of each builder.
  for (const builderNames of [["job"], ["other"], ["job"], ["other"]])
    await front.apiPost("forceschedulers/force", "force", { builderNames, reason: "test" });
  const begun = (number: number) => cluster.ledger.lines().filter((line) => line.startsWith("begin")).length === number;
  await waitFor(() => begun(4), { what: "four builds to run" });
  const healthy = await cluster.master({ roles: ["builder-engine"], name: "healthy" });
  await cluster.workers(healthy, front, ["b1", "b2"]);

  await refused.refuse();
  refused.cut();
  // The other one hears no one any more: for all it knows the whole cluster is in the same plight.
  halfOpen.stall();
  routerOfTwo.stall();
  await waitFor(() => begun(8), { what: "the builds to run again elsewhere", timeoutMs: 90_000 });
  cluster.openGate();
  await waitFor(async () => (await cluster.rows("select 1 from buildrequests where complete = 1")).length === 4, {
    what: "the requests to be complete",
    timeoutMs: 90_000,
  });
  for (const worker of workers)
    await waitFor(() => worker.log().includes("command interrupted"), {
      what: `${worker.name}'s commands to be stopped`,
    });

  await refused.accept();
  halfOpen.resume();
  routerOfTwo.resume();
  await waitFor(
    async () =>
      (
        await cluster.rows(
          "select 1 from mm_leases l join masters m on m.id = l.masterid where m.name in ('one', 'two') and l.epoch = 2 and l.state = 'running' and l.buried_at is null",
        )
      ).length === 2,
    { what: "both engines to join again", timeoutMs: 90_000 },
  );
  for (const engine of [one, two]) {
    expect(engine.process.exit()).toBeUndefined();
    expect(engine.log()).toContain("this master is cut off from the database");
  }
  // No build of theirs went on to its end unseen.
  const ends = cluster.ledger.lines().filter((line) => line.startsWith("end"));
  expect(ends.toSorted()).toEqual(["end job 3", "end job 4", "end other 3", "end other 4"]);
  expect(await findViolations(cluster)).toEqual([]);
});
