import { expect, it } from "vitest";
import { findViolations } from "../harness/checks.ts";
import { configFile, startCluster, waitForGate, waitForWorkers } from "../harness/cluster.ts";
import { countBegun, forceBuilds, order, readOrder, waitForRequests } from "../harness/orders.ts";
import { runMaster } from "../harness/run-master.ts";
import { waitFor } from "../harness/wait-for.ts";

const config = "test/cluster/configs/ledger/cluster.ts";

it("a drain ordered over REST finishes what runs, leaves the rest to others, undone it takes work again, and reports", async () => {
  const cluster = await startCluster({ config, env: { WORK: waitForGate, POLL: "no", WORKERS: "w1,w2,w3" } });
  const front = await cluster.master({ roles: ["ui"], name: "front" });
  const time = await cluster.master({ roles: ["scheduler"], name: "time" });
  await front.waitReady();
  await time.waitReady();
  const engine = await cluster.master({ roles: ["builder-engine"], name: "engine" });
  await cluster.workers(engine, front, ["w1", "w2"]);
  const other = await cluster.master({ roles: ["builder-engine"], name: "other" });
  await other.waitReady();
  // One more than there are workers: only one build at a time works in a builder's directory.
  await forceBuilds(front, 3);
  await waitFor(() => countBegun(cluster) === 2, { what: "two builds to run" });

  // Ordered, taken back, and ordered twice: one drain each time.
  const first = await order(front, "engine", "drain", { reason: "upgrade" });
  expect(first).toMatchObject({ status: 200, order: { kind: "drain", role: null, reason: "upgrade" } });
  await waitFor(async () => (await readOrder(front, first.order.orderid)).builds_left === 2, { what: "its progress" });
  expect((await fetch(`${(await engine.workerUrl()).replace("ws:", "http:")}ready`)).status).toBe(503);
  expect(await order(front, "engine", "undrain")).toMatchObject({ status: 200 });
  await waitFor(async () => (await readOrder(front, first.order.orderid)).state === "undone", { what: "the undoing" });
  await waitFor(
    async () => (await fetch(`${(await engine.workerUrl()).replace("ws:", "http:")}ready`)).status === 200,
    {
      what: "the engine to be ready again",
    },
  );
  expect(await order(front, "engine", "undrain")).toMatchObject({
    status: 409,
    message: expect.stringContaining("no open drain"),
  });
  await cluster.workers(engine, front, ["w3"]);
  await waitFor(() => countBegun(cluster) === 3, { what: "the engine to claim again" });
  await forceBuilds(front, 1);

  const second = await order(front, "engine", "drain");
  const again = await order(front, "engine", "drain", { deadline: 3600 });
  expect(again.order.orderid).toBe(second.order.orderid);
  await waitFor(async () => (await readOrder(front, second.order.orderid)).state === "draining", { what: "the drain" });
  expect(await readOrder(front, second.order.orderid)).toMatchObject({ requests_pending: 1, requests_running: 3 });
  cluster.openGate();
  expect(await engine.process.waitForExit({ timeoutMs: 60_000 })).toMatchObject({ code: 0 });
  expect(await readOrder(front, second.order.orderid)).toMatchObject({
    state: "done",
    requests_pending: 1,
    requests_running: 3,
    requests_finished: 3,
    requests_retried: 0,
    requests_lost: 0,
    requests_handed_over: 1,
    builds_left: 0,
    workers_before: 3,
    workers_left: 0,
  });
  expect(await order(front, "engine", "drain")).toMatchObject({
    status: 409,
    message: expect.stringContaining("not alive"),
  });

  // The scheduler master hands its singletons over, ordered by the command, which waits for the end.
  const next = await cluster.master({ roles: ["scheduler"], name: "next" });
  await next.waitReady();
  const drained = await runMaster(["drain", "time", "--wait", "--json", "--config", configFile(config)], cluster.env);
  expect(drained).toMatchObject({ code: 0 });
  expect(JSON.parse(drained.stdout)).toMatchObject({ state: "done", singletons_before: 4, singletons_left: 0 });
  expect(await time.process.waitForExit()).toMatchObject({ code: 0 });
  await waitFor(
    async () =>
      (
        await cluster.rows(
          "select 1 from scheduler_masters s join masters m on m.id = s.masterid where m.name = 'next'",
        )
      ).length === 4,
    { what: "the schedulers to be taken over" },
  );
  await cluster.ownWorkers(other, front, ["w1"]);
  await waitForRequests(cluster, 4);
  expect(await cluster.rows("select distinct results from builds")).toEqual([{ results: 0 }]);
  expect(await findViolations(cluster)).toEqual([]);
});

it("roles of a running master are dropped and added, and the others go on", async () => {
  const cluster = await startCluster({ config, env: { WORK: waitForGate, POLL: "no" } });
  const all = await cluster.master({ name: "all" });
  await all.waitReady();
  await cluster.workers(all, all, ["w1"]);
  await forceBuilds(all, 1);
  await waitFor(() => countBegun(cluster) === 1, { what: "the build to run" });
  const roles = async () => (await cluster.rows<{ roles: string }>("select roles from mm_leases"))[0]?.roles;

  const drop = await order(all, "all", "drop_role", { role: "builder-engine" });
  await waitFor(async () => (await readOrder(all, drop.order.orderid)).builds_left === 1, { what: "its progress" });
  expect(await order(all, "all", "drop_role", { role: "nothing" })).toMatchObject({ status: 409 });
  cluster.openGate();
  await waitFor(async () => (await readOrder(all, drop.order.orderid)).state === "done", {
    what: "the role to be dropped",
  });
  expect(await readOrder(all, drop.order.orderid)).toMatchObject({
    requests_finished: 1,
    requests_retried: 0,
    workers_left: 0,
  });
  expect(await roles()).toBe('["scheduler","ui"]');
  expect(await cluster.rows("select 1 from builder_masters")).toEqual([]);

  const added = await runMaster(
    ["role", "add", "all", "builder-engine", "--wait", "--config", configFile(config)],
    cluster.env,
  );
  expect(added).toMatchObject({ code: 0, stdout: expect.stringContaining("done") });
  expect(await roles()).toBe('["scheduler","ui","builder-engine"]');
  await waitForWorkers(all, []);
  const unknown = await runMaster(
    ["role", "add", "all", "chef", "--wait", "--config", configFile(config)],
    cluster.env,
  );
  expect(unknown).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("chef") });
  await forceBuilds(all, 1);
  const port = (await all.logLines().filter((line) => line.service === "worker-server" && line.msg === "listening"))
    .length;
  expect(port).toBe(2);

  const last = await order(all, "all", "drop_role", { role: "scheduler" });
  await waitFor(async () => (await readOrder(all, last.order.orderid)).state === "done", {
    what: "the scheduler role to be dropped",
  });
  expect(await cluster.rows("select 1 from scheduler_masters")).toEqual([]);
  all.sigterm();
  expect(await all.process.waitForExit({ timeoutMs: 60_000 })).toMatchObject({ code: 0 });
  expect(
    await cluster.rows(
      "select state, ended from (select role, outcome as state, ordered_by as ended from mm_orders where role is null) o",
    ),
  ).toEqual([{ state: "done", ended: "signal" }]);
});
