import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { startBuildbotWorker } from "../../harness/buildbot-worker.ts";
import { findViolations } from "../../harness/checks.ts";
import { startCluster, type TestCluster, waitForWorkers } from "../../harness/cluster.ts";
import { findOverHeld, readLockLedger } from "../../harness/lock-ledger.ts";
import type { TestMaster } from "../../harness/master.ts";
import { startOwnWorker } from "../../harness/own-worker.ts";
import { startTcpProxy } from "../../harness/tcp-proxy.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";
import { waitFor } from "../../harness/wait-for.ts";
import { whatRan } from "./what-ran.ts";

const config = "test/cluster/configs/ledger/cluster.ts";

/** A cluster with one lock, whose commands write that they have it again and again until the gate opens. */
async function start(workers: string) {
  const ticks = join(temporaryDirectory("ticks"), "locks");
  const gate = `${ticks}-gate`;
  const work = `until [ -e '${gate}' ]; do echo have db:1/1 $$ >> '${ticks}'; sleep 0.1; done`;
  const cluster = await startCluster({
    config,
    env: { WORKERS: workers, WORK: work, POLL: "no", LEASE: "4s", LOCK: "db" },
  });
  const front = await cluster.master({ roles: ["ui", "scheduler"], name: "front" });
  await front.waitReady();
  const doomed = await cluster.master({ roles: ["builder-engine"], name: "doomed" });
  const wire = await startTcpProxy({ target: await doomed.workerPort() });
  const written = () => (existsSync(ticks) ? readFileSync(ticks, "utf8").length : 0);
  return { cluster, front, doomed, wire, ticks, written, openGate: () => writeFileSync(gate, "") };
}

const force = (front: TestMaster, builder: string) =>
  front.apiPost("forceschedulers/force", "force", { builderNames: [builder], reason: "test" });

async function sentencesOf(front: TestMaster): Promise<(string | undefined)[]> {
  const { body } = await front.api<{ waiting: { reasons: { sentence: string }[] }[] }>("waiting");
  return body.waiting.flatMap(({ reasons }) => reasons.map(({ sentence }) => sentence));
}

async function waitForWaiters({ rows }: TestCluster, count: number): Promise<void> {
  const waiting = "select distinct buildrequestid as id from mm_lock_waits";
  await waitFor(async () => (await rows(waiting)).length === count, { what: `${count} waiters`, timeoutMs: 60_000 });
}

const waitForComplete = ({ rows }: TestCluster, count: number) =>
  waitFor(async () => (await rows("select 1 from buildrequests where complete = 1")).length === count, {
    what: `${count} requests to be complete`,
    timeoutMs: 60_000,
  });

it("a lock whose engine was killed goes on when the command has ended on the worker, to one at a time, the oldest first", async () => {
  const { cluster, front, doomed, wire, ticks, written, openGate } = await start("a1,b1,b2");
  const password = cluster.env["WORKER_PASSWORD"] as string;
  await startBuildbotWorker({ port: wire.port, name: "a1", password });
  await waitForWorkers(front, ["a1"]);
  await force(front, "job");
  await waitFor(() => written() > 0, { what: "the holder" });
  const survivor = await cluster.master({ roles: ["builder-engine"], name: "survivor" });
  await cluster.workers(survivor, front, ["b1", "b2"]);
  await force(front, "other");
  await force(front, "job");
  await waitForWaiters(cluster, 2);
  expect(await sentencesOf(front)).toContainEqual(expect.stringContaining("lock db is held by job #1 on doomed"));

  // The worker does not notice: its command goes on.
  wire.stall();
  await doomed.kill9();
  await waitForWaiters(cluster, 3);
  const before = written();
  await waitFor(() => written() > before, { what: "the command to go on" });
  expect(await sentencesOf(front)).toContainEqual(
    expect.stringContaining("lock db is held by job #1 on doomed (lost; its command may still run on a1; kept until "),
  );
  expect(whatRan(cluster)).toEqual(["begin job 1"]);

  wire.retarget(await survivor.workerPort());
  wire.cut();
  wire.resume();
  await waitFor(() => cluster.ledger.lines().length === 2, { what: "the next holder", timeoutMs: 60_000 });
  const after = written();
  await waitFor(() => written() > after, { what: "it to have the lock" });
  openGate();
  await waitForComplete(cluster, 3);
  // The request of the killed build is the oldest.
  expect(whatRan(cluster)).toEqual([
    "begin job 1",
    ...["begin job 2", "end job 2", "begin other 1", "end other 1", "begin job 3", "end job 3"],
  ]);
  expect(findOverHeld(readLockLedger(ticks))).toEqual([]);
  expect(await findViolations(cluster)).toEqual([]);
});

it("a build that survives its engine keeps its lock, and no one has it before that build has ended", async () => {
  const { cluster, front, doomed, wire, ticks, written, openGate } = await start("a1,b1");
  await startOwnWorker({ port: wire.port, name: "a1", password: cluster.env["WORKER_PASSWORD"] as string });
  await waitForWorkers(front, ["a1"]);
  await force(front, "job");
  await waitFor(() => written() > 0, { what: "the holder" });
  const heir = await cluster.master({ roles: ["builder-engine"], name: "heir" });
  await cluster.ownWorkers(heir, front, ["b1"]);
  await force(front, "other");
  await waitForWaiters(cluster, 1);

  wire.stall();
  await doomed.kill9();
  await waitFor(async () => (await cluster.rows("select 1 from mm_adoptable_builds")).length === 1, {
    what: "the build to wait for another engine",
    timeoutMs: 60_000,
  });
  wire.retarget(await heir.workerPort());
  wire.cut();
  wire.resume();
  const adopted = `select 1 from mm_lock_holds h join masters m on m.id = h.masterid where m.name = 'heir'`;
  await waitFor(async () => (await cluster.rows(adopted)).length === 1, {
    what: "the build to be adopted",
    timeoutMs: 60_000,
  });
  const before = written();
  await waitFor(() => written() > before, { what: "the command to go on" });
  expect(await sentencesOf(front)).toContainEqual(expect.stringContaining("lock db is held by job #1 on heir"));
  openGate();
  await waitForComplete(cluster, 2);
  expect(whatRan(cluster)).toEqual(["begin job 1", "end job 1", "begin other 1", "end other 1"]);
  expect(findOverHeld(readLockLedger(ticks))).toEqual([]);
  expect(await findViolations(cluster)).toEqual([]);
});
