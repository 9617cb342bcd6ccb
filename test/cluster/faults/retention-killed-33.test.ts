import { silentLog } from "@multimaster/core";
import { auditDatabase } from "@multimaster/data";
import { type Database, execute, openDatabase, queryRows, upgradeDatabase } from "@multimaster/database";
import { describe, expect, it } from "vitest";
import { onCleanup } from "../../harness/cleanup.ts";
import { configFile } from "../../harness/cluster.ts";
import { startMaster, type TestMaster } from "../../harness/master.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";
import { type Engine, engines, newDatabaseUrl } from "../../harness/test-databases.ts";
import { waitFor } from "../../harness/wait-for.ts";

const builds = 1200;
/** Of the builds, which are ten seconds apart, those that are younger than the rule's two hours. */
const younger = 720;

/** A history of one builder, in which each build has a step and a log, up to now. */
async function fill(database: Database): Promise<void> {
  const { name, nowSeconds } = database.dialect;
  const series =
    name === "postgresql"
      ? `generate_series(1, ${builds}) as s(n)`
      : `(with recursive s(n) as (select 1 union all select n + 1 from s where n < ${builds}) select n from s) as s`;
  const at = `${nowSeconds} - (${builds} - n) * 10`;
  const text = name === "postgresql" ? "convert_to('built', 'UTF8')" : "cast('built' as blob)";
  const insert = (table: string, columns: string, values: string) =>
    execute(database, `insert into ${table} (${columns}) select ${values} from ${series}`);
  await execute(
    database,
    "insert into masters (id, name, name_hash, active, last_active) values (1, 'old', 'old', 0, 1)",
  );
  await execute(database, "insert into builders (id, name, name_hash) values (1, 'former', 'former')");
  await insert("buildsets", "id, submitted_at, complete, complete_at, results", `n, ${at}, 1, ${at}, 0`);
  await insert(
    "buildrequests",
    "id, buildsetid, builderid, complete, results, submitted_at, complete_at",
    `n, n, 1, 1, 0, ${at}, ${at}`,
  );
  await insert(
    "builds",
    "id, number, builderid, buildrequestid, masterid, started_at, complete_at, locks_duration_s, state_string, results",
    `n, n, 1, n, 1, ${at}, ${at}, 0, 'built', 0`,
  );
  await insert(
    "steps",
    "id, number, name, buildid, started_at, complete_at, state_string, results, urls_json",
    `n, 0, 'work', n, ${at}, ${at}, 'done', 0, '[]'`,
  );
  await insert("logs", "id, name, slug, stepid, complete, num_lines, type", "n, 'stdio', 'stdio', n, 1, 1, 's'");
  await insert("logchunks", "logid, first_line, last_line, content, compressed", `n, 0, 0, ${text}, 0`);
  if (name === "postgresql")
    for (const table of ["masters", "builders", "buildsets", "buildrequests", "builds", "steps", "logs"])
      await queryRows(database, `select setval('${table}_id_seq', (select max(id) from ${table}))`);
}

async function start(engine: Engine) {
  const url = await newDatabaseUrl(engine);
  const database = await openDatabase(url, { log: silentLog });
  onCleanup(() => database.close());
  await upgradeDatabase(database);
  await fill(database);
  const directory = temporaryDirectory("retention");
  const master = async () => {
    const started = await startMaster({
      config: configFile("test/cluster/configs/retention/cluster.ts"),
      name: "one",
      env: { DATABASE_URL: url, DIRECTORY: directory, UI_PORT: "0" },
    });
    await started.waitReady();
    return started;
  };
  const count = async (sql: string) => Number((await queryRows<{ n: number }>(database, sql))[0]?.n);
  return { database, master, count };
}

const force = (master: TestMaster) =>
  master.apiPost("forceschedulers/force", "force", { builderNames: ["quick"], reason: "test" });

const ofHistory = "select count(*) as n from builds where builderid = 1";

describe.each(engines)("a master killed in the middle of retention on %s", (engine) => {
  it("is continued by the next: nothing newer than the horizon is gone, nothing is orphaned, builds go on", async () => {
    const { database, master, count } = await start(engine);
    const first = await master();
    await force(first);
    await waitFor(async () => (await count(ofHistory)) < builds - 60, {
      what: "retention to delete",
      timeoutMs: 60_000,
    });
    await first.kill9();
    const left = await count(ofHistory);
    expect(left).toBeGreaterThan(younger + 60);

    const second = await master();
    for (let i = 0; i < 3; i += 1) await force(second);
    // One of the youngest may have become older than the horizon meanwhile.
    await waitFor(async () => (await count(ofHistory)) <= younger, {
      what: "all old builds to be gone",
      timeoutMs: 90_000,
    });
    await waitFor(
      async () => (await count("select count(*) as n from builds where builderid <> 1 and results = 0")) === 4,
      { what: "the builds to end", timeoutMs: 60_000 },
    );
    const horizon = `${database.dialect.nowSeconds} - 7200`;
    const newer = `select count(*) as n from builds where builderid = 1 and complete_at > ${horizon}`;
    const expected = await count(
      `select ${builds} - coalesce(min(number), 0) + 1 as n from builds where builderid = 1 and complete_at > ${horizon}`,
    );
    expect(await count(newer)).toBe(expected);
    expect(expected).toBeGreaterThan(younger - 30);
    expect((await auditDatabase(database, { graceSeconds: 20 })).findings).toEqual([]);
    // Numbers below the oldest build are no gap.
    expect(await count("select count(*) as n from mm_retired_builds where last_number > 600")).toBe(0);
    await second.stop();
  });
});
