import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { silentLog } from "@multimaster/core";
import { auditDatabase } from "@multimaster/data";
import { type Database, openDatabase, queryRows } from "@multimaster/database";
import { describe, expect, it } from "vitest";
import { configFile } from "../harness/cluster.ts";
import { masterProgram, startMaster, type TestMaster } from "../harness/master.ts";
import { sharedPostgres } from "../harness/postgres.ts";
import { runProcess } from "../harness/processes.ts";
import { readCatalog } from "../harness/schema-catalog.ts";
import { temporaryDirectory } from "../harness/temporary-directory.ts";
import { newDatabaseUrl } from "../harness/test-databases.ts";
import { waitFor } from "../harness/wait-for.ts";
import { findPostgres } from "../setup.mjs";

const config = configFile("test/cluster/configs/moves/cluster.ts");
const directory = temporaryDirectory("moves");
const gate = join(directory, "gate");
const begun = join(directory, "begun");

const start = async (url: string): Promise<TestMaster> => {
  const master = await startMaster({
    config,
    name: "one",
    env: { DATABASE_URL: url, DIRECTORY: directory, UI_PORT: "0" },
  });
  await master.waitReady();
  return master;
};

const force = async (master: TestMaster, builder: string) => {
  const { status } = await master.apiPost("forceschedulers/force", "force", {
    builderNames: [builder],
    reason: "test",
  });
  expect(status).toBe(200);
};

async function results(master: TestMaster, builder: string): Promise<(number | null)[]> {
  const { body } = await master.api<{ builds: { results: number | null }[] }>(
    `builders/${builder}/builds?order=number`,
  );
  return body.builds.map((build) => build.results);
}

const waitForResults = (master: TestMaster, builder: string, wanted: readonly (number | null)[]) =>
  waitFor(async () => JSON.stringify(await results(master, builder)) === JSON.stringify(wanted), {
    what: `builds of ${builder} to end as ${JSON.stringify(wanted)}`,
    timeoutMs: 60_000,
  });

/** Whether the running build of "waits" has a log in the rows. */
async function hasLog(master: TestMaster): Promise<boolean> {
  const { body } = await master.api<{ builds: { buildid: number }[] }>("builders/waits/builds?complete=false");
  const buildid = body.builds[0]?.buildid;
  const { steps } = (await master.api<{ steps: { stepid: number }[] }>(`builds/${buildid}/steps`)).body;
  const { logs } = (await master.api<{ logs: unknown[] }>(`steps/${steps.at(-1)?.stepid}/logs`)).body;
  return logs.length > 0;
}

/** Starts a build of "waits" and returns when its command runs. */
async function beginWaiting(master: TestMaster): Promise<void> {
  rmSync(gate, { force: true });
  rmSync(begun, { force: true });
  await force(master, "waits");
  await waitFor(() => existsSync(begun), { what: "the build to run" });
  await waitFor(() => hasLog(master), { what: "the first lines of its log to be stored" });
}

const command = (url: string, ...args: string[]) =>
  runProcess({
    name: `master ${args[0]}`,
    command: process.execPath,
    args: [masterProgram, ...args, "--config", config],
    env: { DATABASE_URL: url, DIRECTORY: directory },
  });

async function withDatabase<T>(url: string, read: (database: Database) => Promise<T>): Promise<T> {
  const database = await openDatabase(url, { log: silentLog });
  try {
    return await read(database);
  } finally {
    await database.close();
  }
}

/** What an audit finds; nothing means that all is well. */
const findings = (url: string) => withDatabase(url, async (database) => (await auditDatabase(database)).findings);

/** Every row of every table. */
const readEverything = (url: string) =>
  withDatabase(url, async (database) => {
    const tables: Record<string, unknown[]> = {};
    for (const { name, columns } of await readCatalog(database)) {
      const names = columns.map((column) => `"${column.name}"`).sort();
      const rows = await queryRows(database, `select ${names.join(", ")} from ${name}`);
      tables[name] = rows.map((row) => JSON.stringify(row, asText)).sort();
    }
    return tables;
  });

/** Bytes in one form, whichever engine they come from. */
function asText(this: Record<string, unknown>, key: string, value: unknown): unknown {
  const original = this[key];
  return Buffer.isBuffer(original) ? original.toString("hex") : value;
}

describe("the database of a master that builds", () => {
  const sqlite = join(directory, "state.sqlite");
  const restored = join(directory, "restored.sqlite");
  let promoted: string;

  it("is backed up to a file: a master that starts with that goes on from the moment of the backup", async () => {
    const first = await start(`sqlite:${sqlite}`);
    await force(first, "quick");
    await waitForResults(first, "quick", [0]);
    await beginWaiting(first);
    const { stdout } = await command(`sqlite:${sqlite}`, "backup", restored);
    expect(stdout).toContain(`to ${restored}`);
    await force(first, "quick");
    await waitForResults(first, "quick", [0, 0]);
    await first.kill9();
    writeFileSync(gate, "");

    const second = await start(`sqlite:${restored}`);
    await waitForResults(second, "waits", [5, 0]);
    expect(await results(second, "quick")).toEqual([0]);
    second.sigterm();
    expect(await second.process.waitForExit()).toMatchObject({ code: 0 });
    expect(await findings(`sqlite:${restored}`)).toEqual([]);
  });

  it("is copied from SQLite to PostgreSQL, every row of it, and the master goes on there", async () => {
    promoted = await newDatabaseUrl("postgresql");
    const { stdout } = await command(promoted, "copy-database", "--from", restored);
    expect(stdout).toContain(": 3 builds, 0 changes, 3 logs.");
    const [before, after] = [await readEverything(`sqlite:${restored}`), await readEverything(promoted)];
    // Who copied is a row of the audit trail.
    expect(after["mm_audit"]).toHaveLength((before["mm_audit"] ?? []).length + 1);
    expect({ ...after, mm_audit: [] }).toEqual({ ...before, mm_audit: [] });

    const master = await start(promoted);
    await force(master, "quick");
    await waitForResults(master, "quick", [0, 0]);
    const { body } = await master.api<{ builds: { number: number }[] }>("builds?order=-buildid&limit=1");
    expect(body.builds[0]?.number).toBe(2);
    await expect(command(promoted, "copy-database", "--from", restored)).rejects.toThrow("has rows already");
    await master.kill9();
  });

  it("is restored from a dump of PostgreSQL that was taken while it built", async () => {
    const before = await start(promoted);
    await beginWaiting(before);
    const dump = join(directory, "ci.dump");
    const tool = (name: string, ...args: string[]) =>
      runProcess({ name, command: join(findPostgres() as string, name), args });
    await tool("pg_dump", "--format=custom", `--file=${dump}`, promoted);
    await before.kill9();
    writeFileSync(gate, "");
    const url = await (await sharedPostgres()).createDatabase();
    await tool("pg_restore", "--no-owner", `--dbname=${url}`, dump);

    const after = await start(url);
    await waitForResults(after, "waits", [5, 0, 5, 0]);
    after.sigterm();
    expect(await after.process.waitForExit()).toMatchObject({ code: 0 });
    expect(await findings(url)).toEqual([]);
  });
});
