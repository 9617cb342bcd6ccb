import { fencedTransaction, requireLease, writesDataVersion } from "@multimaster/cluster";
import {
  checkSchema,
  type Database,
  execute,
  type Migration,
  migrations,
  queryRows,
  readDataVersion,
  readSchemaState,
  upgradeDatabase,
} from "@multimaster/database";
import { describe, expect, it } from "vitest";
import { expire, join, leave } from "../../harness/members.ts";
import { readCatalog } from "../../harness/schema-catalog.ts";
import { engines, newDatabase, newDatabaseUrl, openTestDatabase } from "../../harness/test-databases.ts";
import { waitFor } from "../../harness/wait-for.ts";

const note: Migration = {
  name: "a note of tomorrow",
  kind: "expand",
  statements: () => ["alter table mm_leases add column note text"],
};
const noNote: Migration = {
  name: "no reasons for stopping",
  kind: "contract",
  dataVersion: 2,
  statements: () => ["update mm_stop_requests set reason = ''", "alter table mm_leases drop column note"],
};
const tomorrow = [...migrations, note];
const afterTomorrow = [...tomorrow, noNote];

const columnsOf = async (database: Database, table: string) =>
  (await readCatalog(database)).find(({ name }) => name === table)?.columns.map(({ name }) => name);

describe.each(engines)("migrations on %s", (engine) => {
  it("make the same of an upgraded database as of a new one", async () => {
    const upgraded = await openTestDatabase(await newDatabaseUrl(engine));
    await upgradeDatabase(upgraded, migrations.slice(0, 2));
    await expect(checkSchema(upgraded)).rejects.toThrow(
      /at 067\+2, this release needs .*data version.*upgrade-database/,
    );
    const { applied } = await upgradeDatabase(upgraded);
    expect(applied).toEqual(migrations.slice(2).map(({ name }) => name));
    await checkSchema(upgraded);
    const fresh = await newDatabase(engine);
    expect(await readCatalog(upgraded)).toEqual(await readCatalog(fresh));
    const ledger = "select id, name from mm_migrations order by id";
    expect(await queryRows(upgraded, ledger)).toEqual(await queryRows(fresh, ledger));
  });

  it("that expand leave the database to older releases: they know nothing of it, and go on and start", async () => {
    const database = await newDatabase(engine);
    expect((await upgradeDatabase(database, tomorrow)).applied).toEqual([note.name]);
    await checkSchema(database);
    await join(database);
    expect((await upgradeDatabase(database)).applied).toEqual([]);
    expect(await readSchemaState(database)).toMatchObject({ standing: "current", missing: [] });
    // The first release reads the highest number and wants 2.
    expect(await queryRows(database, "select max(id) as id from mm_migrations")).toEqual([{ id: 2 }]);
  });

  it("that contract wait for masters that need what they take away, and name them; the others are applied", async () => {
    const database = await newDatabase(engine);
    const { lease: one } = await join(database, { name: "one", dataVersions: { oldest: 1, newest: 1 } });
    await join(database, { name: "two" });
    const report = await upgradeDatabase(database, afterTomorrow);
    expect(report.applied).toEqual([note.name]);
    expect(report.waiting?.message).toMatch(/"no reasons for stopping" is not applied.*masters one need/);
    expect(await columnsOf(database, "mm_leases")).toContain("note");
    // A lease that has expired is not over: its master may wake.
    await expire(database, one);
    expect((await upgradeDatabase(database, afterTomorrow)).waiting).toBeDefined();

    await leave(database, one);
    expect(await upgradeDatabase(database, afterTomorrow)).toMatchObject({ applied: [noNote.name] });
    expect(await columnsOf(database, "mm_leases")).not.toContain("note");
    await expect(join(database, { dataVersions: { oldest: 1, newest: 1 } })).rejects.toThrow(/newer release/);
    // Releases that know the version, but not the migration, are at home.
    await checkSchema(database);
    await join(database);
  });

  it("that contract refuse the first release by the number that it reads", async () => {
    const database = await newDatabase(engine);
    await upgradeDatabase(database, afterTomorrow);
    expect(await queryRows(database, "select max(id) as id from mm_migrations")).toEqual([{ id: 102 }]);
  });

  it("apply to an empty database all together", async () => {
    const database = await openTestDatabase(await newDatabaseUrl(engine));
    expect((await upgradeDatabase(database, afterTomorrow)).applied).toHaveLength(afterTomorrow.length + 1);
    expect(await readDataVersion(database)).toBe(2);
    expect(await columnsOf(database, "mm_leases")).not.toContain("note");
  });

  it.runIf(engine === "postgresql")("that contract outlast what was begun under the older version", async () => {
    const database = await newDatabase(engine);
    const operator = await openTestDatabase(database.url);
    const { lease } = await join(database);
    const oldForm = "objects where class_name = 'old form'";
    const rewrite: Migration = { ...noNote, statements: () => [`delete from ${oldForm}`] };
    let upgrading: Promise<unknown> | undefined;
    await database.transaction(async (tx) => {
      await requireLease(tx, lease);
      expect(await writesDataVersion(tx, 2)).toBe(false);
      upgrading = upgradeDatabase(operator, [...migrations, rewrite]);
      // It has risen for every later reader; this one writes by the version that it read.
      await waitFor(() => writesDataVersion(tx, 2), { what: "the data version to rise" });
      await execute(tx, "insert into objects (name, class_name) values ('a', 'old form')");
    });
    await upgrading;
    expect(await queryRows(database, `select name from ${oldForm}`)).toEqual([]);
  });

  it.runIf(engine === "postgresql")("let everybody else pass while something keeps a table in use", async () => {
    const database = await newDatabase(engine);
    const operator = await openTestDatabase(database.url);
    const backup = await openTestDatabase(database.url);
    const { lease } = await join(database);
    let upgrading: Promise<unknown> | undefined;
    await backup.transaction(async (tx) => {
      await queryRows(tx, "select 1 from mm_leases");
      upgrading = upgradeDatabase(operator, tomorrow);
      const waits = "select 1 from pg_locks where mode = 'AccessExclusiveLock' and not granted";
      await waitFor(async () => (await queryRows(tx, waits)).length > 0, { what: "the migration to wait" });
      await fencedTransaction(database, lease, async () => {});
    });
    await upgrading;
    expect(await columnsOf(database, "mm_leases")).toContain("note");
  });

  it("of a newer data version than this release knows are refused by it with a sentence", async () => {
    const database = await newDatabase(engine);
    await execute(database, "update mm_data_version set version = 9");
    const refused = /writes data version 9, this release knows no newer one than 2/;
    await expect(checkSchema(database)).rejects.toThrow(refused);
    await expect(upgradeDatabase(database)).rejects.toThrow(refused);
    await expect(join(database)).rejects.toThrow(refused);
  });
});
