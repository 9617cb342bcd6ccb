import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createBus } from "@multimaster/bus";
import { joinCluster, LoopSign, leaveCluster } from "@multimaster/cluster";
import { buildersSlice, type ClusterConfig, workersSlice } from "@multimaster/config";
import { type Clock, createMetrics, mergeFigures, ServiceGroup, silentLog, systemClock } from "@multimaster/core";
import { auditDatabase, createData } from "@multimaster/data";
import { dataVersions, openDatabase, queryRows, upgradeDatabase } from "@multimaster/database";
import { releaseEverythingOf } from "@multimaster/lifecycle";
import shell from "@multimaster/plugins/steps/shell";
import { afterEach, describe, expect, it, vi } from "vitest";
import { role } from "../../../roles/builder-engine/role.ts";
import { onCleanup } from "../../harness/cleanup.ts";
import { DatabaseRefusals, refusals } from "../../harness/database-refusals.ts";
import { isLong } from "../../harness/long-form.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";
import { type Engine, engines, newDatabaseUrl } from "../../harness/test-databases.ts";
import { waitFor } from "../../harness/wait-for.ts";

/** Waits are short, so that retries are over soon. */
const impatient: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 20), signal) };

async function startEngine(engine: Engine) {
  const directory = temporaryDirectory("refusals");
  const faults = new DatabaseRefusals(engine);
  const database = await openDatabase(await newDatabaseUrl(engine), { log: silentLog });
  await upgradeDatabase(database);
  const bus = createBus({ kind: "in-process" }, silentLog);
  await bus.start();
  const member = {
    roles: ["builder-engine"],
    builderSets: ["all"],
    release: "0.1.0",
    dataVersions,
    host: "test",
    pid: 1,
  };
  const { lease } = await joinCluster(
    database,
    { ...member, defaultBase: "engine", leaseMs: 600_000 },
    releaseEverythingOf,
  );
  const data = createData({ database, bus, lease, log: silentLog, clock: impatient });
  const wait = (n: unknown) =>
    `echo begun; touch ${directory}/begun-${n}; while [ ! -e ${directory}/go-${n} ]; do sleep 0.02; done; seq 1 200`;
  const { builders } = buildersSlice.parse({
    // One directory of a worker has one build at a time.
    builders: [0, 1, 2, 3].map((n) => ({
      name: `job${n}`,
      workers: ["w1"],
      steps: [
        shell({ name: "wait", command: (b) => wait(b.property("n")) }),
        shell({ name: "last", command: "echo last" }),
      ],
    })),
  });
  const services = new ServiceGroup(
    "engine",
    role.services({
      master: { name: lease.name, masterid: lease.masterid },
      config: {
        own: {
          builders: builders.map((one) => ({ ...one, secrets: {} })),
          workers: workersSlice.parse({ workers: [{ name: "w1", local: true, maxBuilds: 4 }] }),
        },
        shared: { bus: { believeControl: false } } as ClusterConfig,
        directory,
      },
      data,
      clock: impatient,
      log: silentLog,
      metrics: createMetrics(),
      figures: () => mergeFigures([]),
      loop: new LoopSign(),
      lost: new AbortController().signal,
      listening: () => {},
      ready: () => services.ready(),
    }),
    silentLog,
  );
  onCleanup(async () => {
    faults.end();
    await services.stop();
    await data.updates.close();
    await leaveCluster(database, lease, releaseEverythingOf);
    await bus.stop();
    await database.close();
  });
  await services.start();
  let n = 0;
  return {
    data,
    database,
    faults,
    async submit() {
      n += 1;
      await data.updates.buildsets.add({
        reason: "a test",
        sourceStamps: [{ branch: null, revision: null, repository: "", project: "", codebase: "" }],
        builders: [`job${n % 4}`],
        scheduler: "test",
        properties: { n: [n, "test"] },
      });
      return n;
    },
    begun: (job: number) => waitFor(() => existsSync(join(directory, `begun-${job}`)), { what: `job ${job} to run` }),
    go: (job: number) => writeFileSync(join(directory, `go-${job}`), ""),
  };
}

describe.each(engines)("a database that refuses: %s", (engine) => {
  afterEach(() => void vi.restoreAllMocks());

  // At length each refusal meets each phase alone.
  const rounds = isLong ? refusals[engine].map((one) => [one]) : [refusals[engine]];
  it.each(rounds.map((round) => [round.map(([code]) => code).join(" "), round] as const))(
    "costs no build, no step, no line and no request, whenever it does (%s)",
    async (_codes, round) => {
      const { data, database, faults, submit, begun, go } = await startEngine(engine);
      const refuseAll = async (statements = /./) => {
        faults.refuse(round, statements);
        await waitFor(() => faults.met.size === round.length, { what: "every refusal to be met", timeoutMs: 30_000 });
        // More than the tries of a write that fails for a reason of its own.
        await systemClock.sleep(400);
      };

      // Idle, and used meanwhile: each user gets the answer that it is the database.
      faults.refuse(round);
      for (let i = 0; i < round.length; i++) {
        const change = { author: "a", comments: "", branch: "main", repository: "", codebase: "", project: "" };
        const asked = [
          () => data.updates.changes.addDelivered(`d${i}`, [change as never]),
          () => submit(),
          () => data.rest.get(["builds"], new URLSearchParams()),
        ][i % 3];
        const error = await asked?.().catch((thrown: unknown) => thrown);
        const told = data.explainDatabase(error) ?? error;
        expect(told).toMatchObject({ status: 503, message: expect.stringMatching(/^The database /) });
      }
      faults.end();

      // While a request is claimed and its build's rows are made.
      faults.refuse(round, /buildrequest_claims|insert into builds\b|insert into steps\b|mm_running_commands/i);
      const claimed = await submit();
      await systemClock.sleep(400);
      faults.end();
      await begun(claimed);

      // While builds run and write, and while they end.
      const others = [await submit(), await submit(), await submit()];
      for (const job of others) await begun(job);
      faults.refuse(round);
      go(claimed);
      await refuseAll();
      for (const job of others) go(job);
      await systemClock.sleep(300);
      await refuseAll(/builds|steps|buildrequests|for key share|mm_leases|begin/i);
      faults.end();

      const count = () =>
        queryRows<{ n: number }>(database, "select count(*) as n from buildrequests where complete = 1");
      await waitFor(async () => Number((await count())[0]?.n) >= 4, { what: "all to end", timeoutMs: 60_000 });
      const all = await queryRows<{ results: number }>(database, "select results from builds");
      expect(all.map(({ results }) => results)).toEqual(all.map(() => 0));
      expect(await queryRows(database, "select id from steps where complete_at is null")).toEqual([]);
      const lines = await queryRows<{ num_lines: number }>(
        database,
        `select l.num_lines from logs l join steps s on s.id = l.stepid where s.name = 'wait' and l.num_lines < 201`,
      );
      expect(lines).toEqual([]);
      expect((await auditDatabase(database, { graceSeconds: 0 })).findings).toEqual([]);
    },
    120_000,
  );
});

it("a SQLite file that is full for a while costs no build, and users get the reason", async () => {
  const { data, database, submit, begun, go } = await startEngine("sqlite");
  const jobs = [await submit(), await submit()];
  for (const job of jobs) await begun(job);
  await database.sql.run("vacuum");
  const [size] = await queryRows<{ page_count: number }>(database, "pragma page_count");
  await queryRows(database, `pragma max_page_count = ${size?.page_count}`);
  const change = {
    author: "a",
    comments: "x".repeat(60_000),
    branch: "main",
    repository: "",
    codebase: "",
    project: "",
  };
  const refused = await data.updates.changes.addDelivered("d", [change as never]).catch((error) => error);
  expect(data.explainDatabase(refused)).toMatchObject({
    status: 503,
    message: expect.stringMatching(/its disk is full/),
  });
  for (const job of jobs) go(job);
  await systemClock.sleep(1500);
  await queryRows(database, "pragma max_page_count = 1000000");
  const open = () => queryRows(database, "select 1 from buildrequests where complete = 0");
  await waitFor(async () => (await open()).length === 0, { what: "all to end", timeoutMs: 60_000 });
  expect(await queryRows(database, "select results from builds")).toEqual([{ results: 0 }, { results: 0 }]);
  expect((await auditDatabase(database, { graceSeconds: 0 })).findings).toEqual([]);
});
