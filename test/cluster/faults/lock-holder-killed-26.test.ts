import { expect, it } from "vitest";
import { findViolations } from "../../harness/checks.ts";
import { startCluster, waitForGate } from "../../harness/cluster.ts";
import { waitFor } from "../../harness/wait-for.ts";
import { whatRan } from "./what-ran.ts";

const config = "test/cluster/configs/ledger/cluster.ts";

it("a lock whose engine was killed goes to one waiter at a time, the oldest first, within a lease", async () => {
  const cluster = await startCluster({
    config,
    env: { WORKERS: "a1,b1,b2", WORK: waitForGate, POLL: "no", LEASE: "4s", LOCK: "db" },
  });
  const front = await cluster.master({ roles: ["ui", "scheduler"], name: "front" });
  await front.waitReady();
  const doomed = await cluster.master({ roles: ["builder-engine"], name: "doomed" });
  await cluster.workers(doomed, front, ["a1"]);
  const force = (builder: string) =>
    front.apiPost("forceschedulers/force", "force", { builderNames: [builder], reason: "test" });
  await force("job");
  await waitFor(() => cluster.ledger.lines().length === 1, { what: "the holder" });
  const survivor = await cluster.master({ roles: ["builder-engine"], name: "survivor" });
  await cluster.workers(survivor, front, ["b1", "b2"]);
  await force("other");
  await force("job");
  const waiting = "select distinct buildrequestid as id from mm_lock_waits order by id";
  await waitFor(async () => (await cluster.rows(waiting)).length === 2, { what: "two waiters" });
  const { body } = await front.api<{ waiting: { reasons: { kind: string; sentence: string }[] }[] }>("waiting");
  expect(body.waiting[0]?.reasons).toContainEqual(
    expect.objectContaining({
      kind: "locked",
      sentence: expect.stringContaining("lock db is held by job #1 on doomed"),
    }),
  );

  await doomed.kill9();
  await waitFor(() => cluster.ledger.lines().length === 2, { what: "the next holder", timeoutMs: 60_000 });
  cluster.openGate();
  await waitFor(async () => (await cluster.rows("select 1 from buildrequests where complete = 1")).length === 3, {
    what: "the three requests to be complete",
    timeoutMs: 60_000,
  });
  // The request of the killed build is the oldest.
  expect(whatRan(cluster)).toEqual([
    "begin job 1",
    ...["begin job 2", "end job 2", "begin other 1", "end other 1", "begin job 3", "end job 3"],
  ]);
  expect(await findViolations(cluster)).toEqual([]);
});
