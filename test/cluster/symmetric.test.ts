import { expect, it } from "vitest";
import { findViolations } from "../harness/checks.ts";
import { startCluster } from "../harness/cluster.ts";
import { waitFor } from "../harness/wait-for.ts";

it("two equal masters share the work of ten workers, and no request is built twice", async () => {
  const cluster = await startCluster({
    config: "configs/symmetric/cluster.ts",
    env: { COMPILE: "sleep 1", TEST: "sleep 1" },
  });
  const one = await cluster.master({ name: "one" });
  await one.waitReady();
  const two = await cluster.master({ name: "two" });
  await two.waitReady();
  const names = Array.from({ length: 10 }, (_, i) => `worker-${i + 1}`);
  await cluster.workers(one, one, names.slice(0, 5));
  // Which program a worker is makes no difference.
  await cluster.ownWorkers(two, one, names.slice(5));
  await waitFor(async () => (await cluster.rows("select 1 from object_state where name = 'lastRev'")).length === 1, {
    what: "the first poll",
  });

  for (let i = 0; i < 10; i++) cluster.repository.commit({ files: { file: String(i) } });
  await waitFor(async () => (await cluster.rows("select 1 from buildrequests where complete = 1")).length === 20, {
    what: "twenty requests to be complete",
    timeoutMs: 150_000,
  });
  expect(await findViolations(cluster)).toEqual([]);
  expect(await cluster.rows("select distinct results from builds")).toEqual([{ results: 0 }]);
  const shares = await cluster.rows<{ name: string; n: number }>(
    "select m.name, count(*)::int as n from builds b join masters m on m.id = b.masterid group by m.name order by m.name",
  );
  expect(shares.map(({ name }) => name)).toEqual(["one", "two"]);
});
