import { expect, it } from "vitest";
import { findViolations } from "../../harness/checks.ts";
import { startCluster, waitForGate } from "../../harness/cluster.ts";
import { waitFor } from "../../harness/wait-for.ts";

/** An engine that drains while a parent on it waits for a child that has found no place yet. */
async function startDrain() {
  const cluster = await startCluster({
    config: "test/cluster/configs/ledger/cluster.ts",
    router: false,
    env: { WORK: waitForGate, POLL: "no" },
  });
  const front = await cluster.master({ roles: ["ui", "scheduler"], name: "front" });
  await front.waitReady();
  const engine = await cluster.master({ roles: ["builder-engine"], name: "engine" });
  await cluster.workers(engine, front, ["w1"]);
  const builds = (condition: string) =>
    cluster.rows<{ name: string; master: string; results: number | null }>(
      `select n.name, m.name as master, b.results from builds b join builders n on n.id = b.builderid
         join masters m on m.id = b.masterid where ${condition} order by b.id`,
    );
  // The worker has two places: the job and the parent have them, the child waits.
  for (const name of ["job", "parent"]) {
    await front.apiPost("forceschedulers/force", "force", { builderNames: [name], reason: "test" });
    await waitFor(async () => (await builds(`n.name = '${name}'`)).length === 1, { what: `the ${name} to run` });
  }
  await waitFor(async () => (await cluster.rows("select 1 from buildrequests where waited_for = 1")).length === 1, {
    what: "the child to be asked for",
  });
  const { body } = await front.api<{ masters: { masterid: number; name: string }[] }>("masters");
  const masterid = body.masters.find(({ name }) => name === "engine")?.masterid;
  await front.apiPost(`masters/${masterid}`, "drain", {});
  await waitFor(async () => (await cluster.rows("select 1 from mm_leases where state = 'draining'")).length === 1, {
    what: "the engine to drain",
  });
  return { cluster, front, engine, builds };
}

it("24: a child that only the draining engine can run is run there, and its parent finishes", async () => {
  const { cluster, engine, builds } = await startDrain();
  expect(await builds("n.name = 'child'")).toEqual([]);
  cluster.openGate();
  expect(await engine.process.waitForExit({ timeoutMs: 90_000 })).toMatchObject({ code: 0 });
  expect(await builds("true")).toEqual([
    { name: "job", master: "engine", results: 0 },
    { name: "parent", master: "engine", results: 0 },
    { name: "child", master: "engine", results: 0 },
  ]);
  expect(await cluster.rows("select requests_finished, requests_retried, requests_lost from mm_orders")).toEqual([
    { requests_finished: 3, requests_retried: 0, requests_lost: 0 },
  ]);
  expect(await findViolations(cluster)).toEqual([]);
});

it("24: a child that another engine can run is left to it, and the parent finishes where it is", async () => {
  const { cluster, front, engine, builds } = await startDrain();
  const other = await cluster.master({ roles: ["builder-engine"], name: "other", builders: ["all"] });
  await cluster.ownWorkers(other, front, ["w2"]);
  await waitFor(async () => (await builds("n.name = 'child'")).length === 1, { what: "the child to run" });
  cluster.openGate();
  expect(await engine.process.waitForExit({ timeoutMs: 90_000 })).toMatchObject({ code: 0 });
  expect(await builds("true")).toEqual([
    { name: "job", master: "engine", results: 0 },
    { name: "parent", master: "engine", results: 0 },
    { name: "child", master: "other", results: 0 },
  ]);
  expect(await findViolations(cluster)).toEqual([]);
});
