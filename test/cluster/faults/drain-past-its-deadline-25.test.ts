import { expect, it } from "vitest";
import { findViolations } from "../../harness/checks.ts";
import { configFile, startCluster, waitForGate } from "../../harness/cluster.ts";
import { countBegun, forceBuilds, order, readOrder, waitForRequests } from "../../harness/orders.ts";
import { runMaster } from "../../harness/run-master.ts";
import { waitFor } from "../../harness/wait-for.ts";

const config = "test/cluster/configs/ledger/cluster.ts";

it("25: at its deadline a drain releases running builds; a second drain and a stop of a master that has ended are refused", async () => {
  const cluster = await startCluster({ config, router: false, env: { WORK: waitForGate, POLL: "no" } });
  const front = await cluster.master({ roles: ["ui", "scheduler"], name: "front" });
  await front.waitReady();
  const engine = await cluster.master({ roles: ["builder-engine"], name: "engine" });
  await cluster.workers(engine, front, ["w1"]);
  await forceBuilds(front, 1);
  await waitFor(() => countBegun(cluster) === 1, { what: "the build to run" });
  const drain = await order(front, "engine", "drain", { deadline: 2 });
  expect(await engine.process.waitForExit({ timeoutMs: 60_000 })).toMatchObject({ code: 0 });
  expect(await readOrder(front, drain.order.orderid)).toMatchObject({
    state: "done",
    requests_running: 1,
    requests_finished: 0,
    requests_retried: 1,
    requests_lost: 0,
  });
  expect(await cluster.rows("select results, state_string from builds join (select 1) x on true")).toEqual([
    { results: 5, state_string: "the deadline of the drain has passed" },
  ]);
  const refused = await runMaster(["stop", "engine", "--config", configFile(config)], cluster.env);
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining("The master engine is not alive") });

  const next = await cluster.master({ roles: ["builder-engine"], name: "next" });
  await cluster.ownWorkers(next, front, ["w2"]);
  await waitFor(() => countBegun(cluster) === 2, { what: "the build to run again" });
  // Stopped immediately: released once more.
  await order(front, "next", "stop");
  expect(await next.process.waitForExit({ timeoutMs: 60_000 })).toMatchObject({ code: 0 });
  cluster.openGate();
  const last = await cluster.master({ roles: ["builder-engine"], name: "last" });
  await cluster.ownWorkers(last, front, ["w3"]);
  await waitForRequests(cluster, 1);
  expect(await cluster.rows("select number, results from builds order by number")).toEqual([
    { number: 1, results: 5 },
    { number: 2, results: 5 },
    { number: 3, results: 0 },
  ]);
  expect(await findViolations(cluster)).toEqual([]);
});
