import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { auditDatabase } from "@multimaster/data";
import { checkSchema, type Database, execute, upgradeBuildbotTables, upgradeDatabase } from "@multimaster/database";
import { describe, expect, it } from "vitest";
import { startRestServer } from "../../harness/rest-server.ts";
import { readCatalog } from "../../harness/schema-catalog.ts";
import { engines, newDatabase, newDatabaseUrl, openTestDatabase } from "../../harness/test-databases.ts";

/** A database that a Buildbot has left: test/fixtures/earlier-buildbot. */
async function restore(release: string): Promise<Database> {
  const file = fileURLToPath(new URL(`../../fixtures/earlier-buildbot/${release}.json`, import.meta.url));
  const database = await openTestDatabase(await newDatabaseUrl("sqlite"));
  await execute(database, "pragma foreign_keys = off");
  for (const statement of JSON.parse(readFileSync(file, "utf8")) as string[]) await execute(database, statement);
  await execute(database, "pragma foreign_keys = on");
  return database;
}

describe.each([
  ["2.10.5", "058"],
  ["3.11.9", "064"],
])("a database of Buildbot %s", (release, version) => {
  it("is refused until it is brought to this release, and while its master runs", async () => {
    const database = await restore(release);
    await expect(checkSchema(database)).rejects.toThrow(`at ${version}, 067 (Buildbot 4.3.0) is needed: stop Buildbot`);
    await execute(database, `update masters set active = 1, last_active = ${database.dialect.nowSeconds} - 60.25`);
    await expect(upgradeBuildbotTables(database)).rejects.toThrow(
      /The Buildbot master farm:\S+ still uses the database \(it wrote 6\d s ago\)/,
    );
    await expect(checkSchema(database)).rejects.toThrow(`at ${version}`);
  });

  it("keeps its history: builds, steps, logs, changes and properties are read through REST", async () => {
    const database = await restore(release);
    expect(await upgradeBuildbotTables(database)).toBe(version);
    expect(await upgradeBuildbotTables(database)).toBe(undefined);
    await upgradeDatabase(database);
    await checkSchema(database);
    const server = await startRestServer(database);
    const read = async (path: string) => (await server.get(`/api/v2/${path}`)).body as Record<string, object[]>;
    expect((await read("builders/compile/builds?order=number&property=kind"))["builds"]).toMatchObject(
      [1, 2].map((number) => ({
        number,
        results: 0,
        complete: true,
        properties: { kind: ["old", expect.any(String)] },
      })),
    );
    expect((await read("builders/lint/builds"))["builds"]).toMatchObject([{ results: 2 }, { results: 2 }]);
    const revisions = ["rev1", "rev2"];
    expect((await read("changes?order=changeid"))["changes"]).toMatchObject(
      revisions.map((revision) => ({ revision, author: "Ann <ann@example.org>" })),
    );
    const [build] = (await read("builders/compile/builds?number=2"))["builds"] as { buildid: number }[];
    const log = (step: string) => server.get(`/api/v2/builds/${build?.buildid}/steps/${step}/logs/stdio/raw`);
    expect((await log("say")).text).toContain("built rev2\n");
    expect((await log("long")).text).toContain("\n1999\n2000\n");
    expect((await auditDatabase(database, { graceSeconds: 0 })).findings).toEqual([]);
  });
});

/** What releases since 3.4 have added. */
const added = {
  tables: ["codebase_branches", "codebase_commits", "codebases"],
  columns: {
    builders: ["projectid", "description_format", "description_html"],
    steps: ["locks_acquired_at"],
    workers: ["pause_reason"],
    buildsets: ["rebuilt_buildid"],
    builds: ["locks_duration_s"],
  },
};

it.each(engines)("an earlier schema becomes the same as a new one on %s", async (engine) => {
  const fresh = await newDatabase(engine);
  const database = await openTestDatabase(await newDatabaseUrl(engine));
  // Without what is ours: its indexes would hold columns.
  await upgradeDatabase(database, []);
  for (const table of added.tables) await database.sql.run(`drop table ${table}`);
  if (engine === "postgresql")
    for (const [table, columns] of Object.entries(added.columns))
      for (const column of columns) await database.sql.run(`alter table ${table} drop column ${column}`);
  await database.sql.run("update alembic_version set version_num = '059'");
  expect(await upgradeBuildbotTables(database)).toBe("059");
  await upgradeDatabase(database);
  const inOrder = async (of: Database) =>
    (await readCatalog(of)).map((table) => ({
      ...table,
      columns: table.columns.toSorted((a, b) => a.name.localeCompare(b.name)),
    }));
  expect(await inOrder(database)).toEqual(await inOrder(fresh));
});
