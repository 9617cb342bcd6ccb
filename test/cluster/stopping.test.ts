import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { findViolations } from "../harness/checks.ts";
import { startCluster, type TestCluster, waitForGate } from "../harness/cluster.ts";
import { waitFor } from "../harness/wait-for.ts";

const config = "test/cluster/configs/ledger/cluster.ts";

async function startBuild(cluster: TestCluster) {
  const front = await cluster.master({ roles: ["ui", "scheduler"], name: "front" });
  await front.waitReady();
  const engine = await cluster.master({ roles: ["builder-engine"], name: "engine" });
  await cluster.workers(engine, front, ["w1"]);
  await front.apiPost("forceschedulers/force", "force", { builderNames: ["job"], reason: "test" });
  await waitFor(() => cluster.ledger.lines().length === 1, { what: "the build to run" });
  return { front, engine };
}

it("SIGHUP, SIGUSR1 and SIGUSR2 do not end it, nor open a debugger; SIGTERM lets the running build finish, and takes nothing new on", async () => {
  const cluster = await startCluster({ config, router: false, env: { WORK: waitForGate, POLL: "no", WORKERS: "w1" } });
  const { front, engine } = await startBuild(cluster);
  engine.process.signal("SIGHUP");
  await engine.process.waitForOutput("the config was loaded again, and nothing in it has changed");
  for (const signal of ["SIGUSR1", "SIGUSR2"] as const) {
    engine.process.signal(signal);
    await engine.process.waitForOutput(`${signal} is ignored`);
  }
  engine.sigterm();
  await front.apiPost("forceschedulers/force", "force", { builderNames: ["job"], reason: "for another engine" });
  cluster.openGate();
  expect(await engine.process.waitForExit({ timeoutMs: 60_000 })).toMatchObject({ code: 0 });
  // A debugger would announce itself; and every line is for programs.
  expect(engine.log().trim().split("\n")).toEqual(
    engine
      .log()
      .trim()
      .split("\n")
      .map(() => expect.stringMatching(/^\{.*\}$/)),
  );
  expect(await cluster.rows("select number, results from builds")).toEqual([{ number: 1, results: 0 }]);
  expect(await cluster.rows("select complete from buildrequests order by id")).toEqual([
    { complete: 1 },
    { complete: 0 },
  ]);

  const next = await cluster.master({ roles: ["builder-engine"], name: "engine" });
  await cluster.ownWorkers(next, front, ["w1"]);
  await waitFor(async () => (await cluster.rows("select 1 from buildrequests where complete = 1")).length === 2, {
    what: "the second request",
  });
  expect(await findViolations(cluster)).toEqual([]);
});

it("a second signal releases running builds immediately, and stops their commands", async () => {
  const cluster = await startCluster({ config, router: false, env: { WORK: waitForGate, POLL: "no" } });
  const { front, engine } = await startBuild(cluster);
  engine.sigterm();
  // A second wish, not the echo of the first.
  await sleep(1000);
  engine.sigterm();
  expect(await engine.process.waitForExit({ timeoutMs: 30_000 })).toMatchObject({ code: 0 });
  expect(await cluster.rows("select results, complete_at is not null as ended from builds")).toEqual([
    { results: 5, ended: true },
  ]);
  expect(
    await cluster.rows(
      "select 1 from buildrequest_claims c join buildrequests r on r.id = c.brid where r.complete = 0",
    ),
  ).toEqual([]);
  // A real worker goes on with an orphan until the next master stops it: here it was stopped before.
  await front.apiPost("buildrequests/1", "cancel", { reason: "not needed any more" });
  await waitFor(async () => (await cluster.rows("select 1 from buildrequests where results = 6")).length === 1, {
    what: "the cancelled request",
  });
  expect(await findViolations(cluster)).toEqual([]);
});

it("a build that is stopped over REST at another master ends CANCELLED, with its command gone", async () => {
  const cluster = await startCluster({ config, env: { WORK: waitForGate, POLL: "no" } });
  const { front } = await startBuild(cluster);
  expect(await front.apiPost("builds/1", "stop", { reason: "enough" })).toMatchObject({ status: 200 });
  await waitFor(async () => (await cluster.rows("select 1 from builds where results = 6")).length === 1, {
    what: "the build to be cancelled",
  });
  expect(await findViolations(cluster)).toEqual([]);
  expect(cluster.ledger.lines()).toEqual(["begin job 1"]);
  const { body } = await front.apiPost<{ result: [number, Record<string, number>] }>("builds/1", "rebuild");
  await waitFor(() => cluster.ledger.lines().includes("begin job 2"), { what: "the rebuild to run" });
  await front.apiPost(`buildrequests/${Object.values(body.result[1])[0]}`, "cancel", { reason: "enough" });
  await waitFor(async () => (await cluster.rows("select 1 from builds where results = 6")).length === 2, {
    what: "the rebuild to be cancelled",
  });
});
