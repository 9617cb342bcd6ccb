import { expect, it } from "vitest";
import { findViolations } from "../../harness/checks.ts";
import { startCluster, waitForGate } from "../../harness/cluster.ts";
import { openSession, waitForBlocked } from "../../harness/database-session.ts";
import { waitFor } from "../../harness/wait-for.ts";
import { whatRan } from "./what-ran.ts";

const config = "test/cluster/configs/ledger/cluster.ts";

it("an engine that stood still between the fence of a write and the write itself changes no row, and says that it was fenced", async () => {
  const cluster = await startCluster({ config, env: { WORKERS: "a1,b1", WORK: waitForGate, POLL: "no" } });
  const front = await cluster.master({ roles: ["ui", "scheduler"], name: "front" });
  await front.waitReady();
  const frozen = await cluster.master({ roles: ["builder-engine"], name: "frozen" });
  await cluster.workers(frozen, front, ["a1"]);
  await front.apiPost("forceschedulers/force", "force", { builderNames: ["job"], reason: "test" });
  await waitFor(() => whatRan(cluster).includes("begin job 1"), { what: "the build to run" });
  const other = await cluster.master({ roles: ["builder-engine"], name: "other" });
  await cluster.workers(other, front, ["b1"]);

  // The engine has passed its fence and reads the build's row, to add a step: it waits there for the test.
  const session = await openSession(cluster);
  await session.run("begin; select id from builds where id = 1 for no key update");
  cluster.openGate();
  await waitForBlocked(cluster, "from builds where id = .* for no key update");
  frozen.freeze();
  await session.run("commit");

  await waitFor(async () => (await cluster.rows("select 1 from builds where number = 2")).length === 1, {
    what: "the other engine to run the request",
    timeoutMs: 60_000,
  });
  const rowsOfBuild = async () => [
    await cluster.rows("select * from builds where number = 1"),
    await cluster.rows("select * from steps where buildid = 1 order by id"),
    await cluster.rows("select * from build_properties where buildid = 1 order by name"),
  ];
  const before = await rowsOfBuild();
  expect(before[0]).toMatchObject([{ results: 5 }]);

  frozen.thaw();
  const fenced = await frozen.waitForLog(({ msg }) => /: fenced off/.test(String(msg)), "that it was fenced off");
  expect(fenced.msg).toMatch(/of build 1: fenced off/);
  await waitFor(async () => (await cluster.rows("select 1 from buildrequests where complete = 1")).length === 1, {
    what: "the request to be complete",
    timeoutMs: 90_000,
  });
  expect(await rowsOfBuild()).toEqual(before);
  // What came after the write in question was not run by the engine that could not write it.
  expect(whatRan(cluster)).toEqual(["begin job 1", "begin job 2", "end job 2"]);
  expect(await findViolations(cluster)).toEqual([]);
});
