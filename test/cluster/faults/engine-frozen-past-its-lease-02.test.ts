import { expect, it } from "vitest";
import { findViolations } from "../../harness/checks.ts";
import { startCluster, waitForGate } from "../../harness/cluster.ts";
import { waitFor } from "../../harness/wait-for.ts";
import { whatRan } from "./what-ran.ts";

const config = "test/cluster/configs/ledger/cluster.ts";

it("an engine that stood still past its lease writes nothing more, stops its commands, and joins again", async () => {
  const cluster = await startCluster({ config, env: { WORKERS: "a1,b1", WORK: waitForGate, POLL: "no" } });
  const front = await cluster.master({ roles: ["ui", "scheduler"], name: "front" });
  await front.waitReady();
  const frozen = await cluster.master({ roles: ["builder-engine"], name: "frozen" });
  const [worker] = await cluster.workers(frozen, front, ["a1"]);
  await front.apiPost("forceschedulers/force", "force", { builderNames: ["job"], reason: "test" });
  await waitFor(() => cluster.ledger.lines().length === 1, { what: "the build to run" });

  const other = await cluster.master({ roles: ["builder-engine"], name: "other" });
  await cluster.workers(other, front, ["b1"]);
  frozen.freeze();
  await waitFor(async () => (await cluster.rows("select 1 from builds where number = 2")).length === 1, {
    what: "the other engine to run the request",
    timeoutMs: 60_000,
  });
  const before = await cluster.rows("select * from builds where number = 1");
  const stepsBefore = await cluster.rows(
    "select s.* from steps s join builds b on b.id = s.buildid where b.number = 1 order by s.id",
  );
  expect(before[0]).toMatchObject({ results: 5 });

  frozen.thaw();
  await waitFor(
    async () =>
      (
        await cluster.rows(
          "select 1 from mm_leases l join masters m on m.id = l.masterid where m.name = 'frozen' and l.epoch = 2 and l.state = 'running'",
        )
      ).length === 1,
    {
      what: "the frozen engine to join with a new epoch",
      timeoutMs: 60_000,
    },
  );
  await waitFor(() => worker?.log().includes("command interrupted"), {
    what: "its command on the worker to be stopped",
  });
  cluster.openGate();
  await waitFor(async () => (await cluster.rows("select 1 from buildrequests where complete = 1")).length === 1, {
    what: "the request to be complete",
    timeoutMs: 90_000,
  });
  expect(await cluster.rows("select * from builds where number = 1")).toEqual(before);
  expect(
    await cluster.rows("select s.* from steps s join builds b on b.id = s.buildid where b.number = 1 order by s.id"),
  ).toEqual(stepsBefore);
  expect(whatRan(cluster)).toEqual(["begin job 1", "begin job 2", "end job 2"]);
  expect(await findViolations(cluster)).toEqual([]);
});
