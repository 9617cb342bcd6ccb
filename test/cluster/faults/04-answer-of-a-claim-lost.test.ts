import { expect, it } from "vitest";
import { findViolations } from "../../harness/checks.ts";
import { startCluster } from "../../harness/cluster.ts";
import { holdCommits, openSession, waitForBlocked } from "../../harness/database-session.ts";
import { waitFor } from "../../harness/wait-for.ts";
import { openLine } from "./cuttable-line.ts";
import { whatRan } from "./what-ran.ts";

const config = "test/cluster/configs/ledger/cluster.ts";

it("a claim that was committed, but whose answer never came, is found by its engine, and its request is built once", async () => {
  const cluster = await startCluster({ config, env: { POLL: "no" } });
  const front = await cluster.master({ roles: ["ui", "scheduler"], name: "front" });
  await front.waitReady();
  const line = await openLine(cluster.postgres.port);
  const database = new URL(cluster.database);
  database.port = String(line.port);
  const engine = await cluster.master({
    roles: ["builder-engine"],
    name: "engine",
    env: { DATABASE_URL: database.href },
  });
  await cluster.ownWorkers(engine, front, ["w1"]);

  const session = await openSession(cluster);
  await holdCommits(session, "buildrequest_claims");
  await session.run("select pg_advisory_lock(4711)");
  await front.apiPost("forceschedulers/force", "force", { builderNames: ["job"], reason: "test" });
  await waitForBlocked(cluster, "insert into buildrequest_claims");
  line.silence();
  await session.run("select pg_advisory_unlock(4711)");
  await waitFor(async () => (await cluster.rows("select 1 from buildrequest_claims")).length === 1, {
    what: "the claim to be committed",
  });
  line.cut();

  await waitFor(async () => (await cluster.rows("select 1 from buildrequests where complete = 1")).length === 1, {
    what: "the request to be complete",
    timeoutMs: 90_000,
  });
  expect(await cluster.rows("select number, results from builds")).toEqual([{ number: 1, results: 0 }]);
  expect(await cluster.rows("select distinct epoch from mm_leases")).toEqual([{ epoch: 1 }]);
  expect(whatRan(cluster)).toEqual(["begin job 1", "end job 1"]);
  expect(await findViolations(cluster)).toEqual([]);
});
