import { Agent } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { silentLog } from "@multimaster/core";
import { auditDatabase } from "@multimaster/data";
import { type Database, execute, openDatabase, queryRows, upgradeDatabase } from "@multimaster/database";
import { afterAll, describe, expect, it } from "vitest";
import { read } from "../bench/read-load.ts";
import { onCleanup } from "../harness/cleanup.ts";
import { configFile } from "../harness/cluster.ts";
import { describeMs, percentile } from "../harness/figures.ts";
import { fillPostgres, fillSqlite } from "../harness/fill-many-builds.ts";
import { isLong } from "../harness/long-form.ts";
import { startMaster, type TestMaster } from "../harness/master.ts";
import { startSyntheticWorkers } from "../harness/synthetic-workers.ts";
import { type Engine, engines, newDatabaseUrl } from "../harness/test-databases.ts";
import { waitFor } from "../harness/wait-for.ts";

// `npm run test:retention`. A test of a few thousand builds is test/cluster/faults/retention-killed-33.test.ts.
const many = Number(process.env["MULTIMASTER_BUILDS"] ?? 5_000_000);
/** How long each load lasts. */
const loadMs = Number(process.env["MULTIMASTER_SECONDS"] ?? 120) * 1000;
/** In the history that is filled in, builds are so far apart, and only the newest hundredth has logs with text. */
const secondsApart = 9;
/** A tenth of the builds stays, and the text of the logs of a thousandth of them. */
const horizons = { logs: Math.ceil((many * secondsApart) / 1000), builds: Math.ceil((many * secondsApart) / 10) };
const password = "secret";

const pages = [
  "builds?order=-buildid&limit=50&property=branch",
  "builders?limit=50",
  "builders/1/builds?order=-number&limit=50",
  "buildrequests?claimed=false&order=submitted_at&limit=60",
  "failing?watched=true&order=since&limit=12",
  "changes?order=-changeid&limit=60",
];

interface Load {
  /** Milliseconds from a forced build until its command begins, and from a GET until its last byte. */
  readonly force: number[];
  readonly pages: number[];
}

describe.skipIf(!isLong).each(engines)(`retention on ${many} builds on %s`, (engine) => {
  const figures: string[] = [];
  afterAll(() => console.log(figures.join("\n")));

  it("deletes what is old and nothing else, while builds and pages go on", async () => {
    const url = await newDatabaseUrl(engine);
    const database = await openDatabase(url, { log: silentLog });
    onCleanup(() => database.close());
    await upgradeDatabase(database);
    await fill(engine, url, database);
    const count = async (sql: string) => Number((await queryRows<{ n: number }>(database, sql))[0]?.n);
    const horizon = (await count(`select ${database.dialect.nowSeconds} as n`)) - horizons.builds;
    // Until the last phase ends, some of these become old.
    const margin = Math.min(3600, horizons.builds / 2);
    const young = `from builds where id <= ${many} and complete_at > ${horizon + margin}`;
    const before = await count(`select count(*) as n ${young}`);

    const usual = await runPhase(url, database, "", () => Promise.resolve(true));
    figures.push(describeLoad(engine, "without retention", usual));
    const logs = "select count(*) as n from logchunks";
    const builds = `select count(*) as n from builds where id <= ${many}`;
    for (const [deletes, rows] of [
      ["logs", logs],
      ["builds", builds],
    ] as const) {
      const first = await count(rows);
      let begun = first;
      let startedAt = 0;
      const load = await runPhase(url, database, deletes, async () => {
        const now = await count(rows);
        if (now >= first) return false;
        begun = now;
        startedAt = performance.now();
        return true;
      });
      const last = await count(rows);
      const seconds = (performance.now() - startedAt) / 1000;
      figures.push(`${describeLoad(engine, `while ${deletes} are deleted`, load)}; ${ratios(load, usual)}`);
      figures.push(`${engine}: ${((begun - last) / seconds).toFixed(0)} rows of ${deletes} deleted a second`);
      expect(last).toBeLessThan(first);
    }
    expect(await count(`select count(*) as n ${young}`)).toBe(before);
    if (engine === "postgresql") await expectFewDeadRows(database, figures);
    expect((await auditDatabase(database, { graceSeconds: 20, windowSeconds: 86_400 })).findings).toEqual([]);
  }, 7_200_000);
});

/** Fills the history in; its masters are gone, and nothing of it runs or waits. */
async function fill(engine: Engine, url: string, database: Database): Promise<void> {
  const amounts = { builds: many, detailed: Math.floor(many / 5), pending: 0 };
  const report = (what: string, seconds: number) =>
    void (seconds > 20 && console.log(`${seconds.toFixed(0)} s: ${what}`));
  if (engine === "postgresql") await fillPostgres(url, amounts, report);
  else await fillSqlite(database, amounts, report);
  const now = database.dialect.nowSeconds;
  for (const sql of [
    `update builds set complete_at = ${now}, results = 0 where complete_at is null`,
    `update steps set complete_at = ${now}, results = 0 where complete_at is null`,
    "update logs set complete = 1 where complete = 0",
    `update buildrequests set complete = 1, complete_at = ${now}, results = 0 where complete = 0`,
    `update buildsets set complete = 1, complete_at = ${now}, results = 0 where complete = 0`,
    "delete from scheduler_changes",
    "delete from scheduler_masters",
    "delete from connected_workers",
    "delete from configured_workers",
    "delete from builder_masters",
    "delete from mm_worker_attachments",
    "delete from mm_leases",
    "update masters set active = 0",
  ])
    await execute(database, sql);
}

/** A master under load, from the moment at which it has begun. */
async function runPhase(
  url: string,
  database: Database,
  deletes: keyof typeof horizons | "",
  hasBegun: () => Promise<boolean>,
): Promise<Load> {
  const master = await startMaster({
    config: configFile("test/cluster/configs/long-history/cluster.ts"),
    name: "one",
    env: {
      DATABASE_URL: url,
      DELETE: deletes,
      OLDER_THAN: deletes === "" ? "" : `${horizons[deletes]}s`,
      WORKER_PORT: "0",
      UI_PORT: "0",
      WORKER_PASSWORD: password,
    },
  });
  await master.waitReady(120_000);
  const commands: (() => void)[] = [];
  const onCommand = () => commands.shift()?.();
  const workers = startSyntheticWorkers({
    port: await master.workerPort(),
    names: ["pretender"],
    password,
    onCommand,
  });
  try {
    await waitFor(async () => (await queryRows(database, "select 1 from connected_workers")).length > 0, {
      what: "the worker to be attached",
    });
    await waitFor(hasBegun, { what: "retention to begin", timeoutMs: 180_000 });
    return await applyLoad(master, commands);
  } finally {
    await workers.stop();
    await master.stop();
  }
}

async function applyLoad(master: TestMaster, commands: (() => void)[]): Promise<Load> {
  const load: Load = { force: [], pages: [] };
  const base = new URL("api/v2/", await master.url());
  const agent = new Agent({ keepAlive: true });
  const end = performance.now() + loadMs;
  const timed = async (into: number[], act: () => Promise<unknown>) => {
    const begin = performance.now();
    await act();
    into.push(performance.now() - begin);
  };
  const forceBuilds = async () => {
    while (performance.now() < end) {
      await timed(load.force, async () => {
        const begun = new Promise<void>((resolve) => commands.push(resolve));
        await master.apiPost("forceschedulers/force", "force", { builderNames: ["quick"], reason: "load" });
        await begun;
      });
      await sleep(100);
    }
  };
  const readPages = async () => {
    for (let i = 0; performance.now() < end; i += 1) {
      await timed(load.pages, () => read(new URL(pages[i % pages.length] as string, base), agent));
      await sleep(30);
    }
  };
  try {
    await Promise.all([forceBuilds(), readPages()]);
  } finally {
    agent.destroy();
  }
  return load;
}

const describeLoad = (engine: Engine, when: string, { force, pages }: Load) =>
  `${engine}, ${when}: force until command ${describeMs(force)}; pages ${describeMs(pages)}`;

function ratios(load: Load, usual: Load): string {
  const ratio = (of: (each: Load) => number[]) => (percentile(of(load), 0.99) / percentile(of(usual), 0.99)).toFixed(2);
  return `p99 × ${ratio(({ force }) => force)} and × ${ratio(({ pages }) => pages)} of the usual`;
}

/** PostgreSQL vacuums what retention deletes while it goes on. */
async function expectFewDeadRows(database: Database, figures: string[]): Promise<void> {
  const tables = await queryRows<{ relname: string; dead: number; live: number }>(
    database,
    `select relname, n_dead_tup as dead, n_live_tup as live from pg_stat_user_tables
      where relname in ('builds', 'buildrequests', 'buildsets', 'steps', 'logs', 'logchunks') order by relname`,
  );
  figures.push(`dead rows: ${tables.map(({ relname, dead, live }) => `${relname} ${dead} of ${live}`).join(", ")}`);
  for (const { relname, dead, live } of tables)
    expect(Number(dead), relname).toBeLessThan(Math.max(10_000, Number(live) * 0.05));
}
