import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { silentLog } from "@multimaster/core";
import { openDatabase, queryRows } from "@multimaster/database";
import { expect, it } from "vitest";
import { findViolations } from "../../harness/checks.ts";
import { onCleanup } from "../../harness/cleanup.ts";
import { configFile, startCluster } from "../../harness/cluster.ts";
import { isLong } from "../../harness/long-form.ts";
import { startMaster, type TestMaster } from "../../harness/master.ts";
import { startOwnWorker } from "../../harness/own-worker.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";
import { waitFor } from "../../harness/wait-for.ts";

const config = "test/cluster/configs/ledger/cluster.ts";
/** Longer than the lease of 4 s; in the long form as long as the master's own time limit for one statement. */
const busySeconds = isLong ? 40 : 6;

/** Work that prints numbered lines until the gate is open, and then how many they were. */
const talk = (gate: string) =>
  `n=0; until [ -e '${gate}' ]; do n=$((n+1)); echo line $n; sleep 0.01; done; echo $n lines in all`;

/** What the step "work" of the first build printed, from the log that is stored. */
async function outputOf(ui: TestMaster): Promise<string[]> {
  const text = await (await ui.fetch("api/v2/builds/1/steps/work/logs/stdio/raw")).text();
  return text.split("\n").filter((line) => /^(line \d+|\d+ lines in all)$/.test(line));
}

async function linesStored(ui: TestMaster): Promise<number> {
  const { body } = await ui.api<{ logs?: { num_lines: number }[] }>("builds/1/steps/work/logs");
  return body.logs?.[0]?.num_lines ?? 0;
}

function expectNoGap(lines: readonly string[]): void {
  const said = lines.slice(0, -1);
  expect(said).toEqual(said.map((_, i) => `line ${i + 1}`));
  expect(lines.at(-1)).toBe(`${said.length} lines in all`);
}

it("PostgreSQL crashed under a build whose output flows ends no master, no build, and no line is lost or stored twice", async () => {
  const cluster = await startCluster({ config, router: false, env: { POLL: "no" } });
  const WORK = talk(cluster.env["GATE"] as string);
  const front = await cluster.master({ roles: ["ui", "scheduler"], name: "front" });
  await front.waitReady();
  const engine = await cluster.master({ roles: ["builder-engine"], name: "engine", env: { WORK } });
  await cluster.ownWorkers(engine, front, ["w1"]);
  await front.apiPost("forceschedulers/force", "force", { builderNames: ["job"], reason: "test" });
  for (let crash = 1; crash <= 3; crash++) {
    const stored = await linesStored(front);
    await waitFor(async () => (await linesStored(front)) > stored, { what: "output to flow", timeoutMs: 60_000 });
    await cluster.postgres.restart("immediate");
  }
  const stored = await waitFor(() => linesStored(front), { what: "the log to be readable again" });
  await waitFor(async () => (await linesStored(front)) > stored, { what: "output to flow again", timeoutMs: 60_000 });
  cluster.openGate();
  await waitFor(async () => (await cluster.rows("select 1 from buildrequests where complete = 1")).length === 1, {
    what: "the request to be complete",
    timeoutMs: 90_000,
  });
  for (const master of [front, engine]) expect(master.process.exit()).toBeUndefined();
  expect(await cluster.rows("select number, results from builds")).toEqual([{ number: 1, results: 0 }]);
  expectNoGap(await outputOf(front));
  expect(await findViolations(cluster)).toEqual([]);
});

it("a SQLite file that another process keeps busy for longer than a lease ends neither the master nor its build", async () => {
  const directory = temporaryDirectory("embedded");
  const url = `sqlite:${join(directory, "state.sqlite")}`;
  const gate = join(directory, "gate");
  const password = "secret of the worker";
  const env = {
    DATABASE_URL: url,
    POLL: "no",
    LEASE: "4s",
    LEDGER: join(directory, "ledger"),
    WORK: talk(gate),
    WORKER_PASSWORD: password,
  };
  const master = await startMaster({ config: configFile(config), name: "all", env });
  await master.waitReady();
  await startOwnWorker({ port: await master.workerPort(), name: "w1", password });
  await master.apiPost("forceschedulers/force", "force", { builderNames: ["job"], reason: "test" });
  await waitFor(() => linesStored(master), { what: "output to flow", timeoutMs: 60_000 });

  const other = await openDatabase(url, { log: silentLog });
  onCleanup(() => other.close());
  const stored = await other.transaction(async (tx) => {
    const [row] = await queryRows<{ n: number }>(tx, "select sum(num_lines) as n from logs");
    await sleep(busySeconds * 1000);
    return row?.n ?? 0;
  });
  await waitFor(
    async () => (await queryRows<{ n: number }>(other, "select sum(num_lines) as n from logs"))[0]?.n !== stored,
    {
      what: "output to be stored again",
      timeoutMs: 60_000,
    },
  );
  writeFileSync(gate, "");
  await waitFor(async () => (await queryRows(other, "select 1 from buildrequests where complete = 1")).length === 1, {
    what: "the request to be complete",
    timeoutMs: 90_000,
  });
  expect(master.process.exit()).toBeUndefined();
  expect(await queryRows(other, "select number, results from builds")).toEqual([{ number: 1, results: 0 }]);
  expect(await queryRows(other, "select epoch, buried_at from mm_leases")).toEqual([{ epoch: 1, buried_at: null }]);
  expectNoGap(await outputOf(master));
});
