import { silentLog } from "@multimaster/core";
import {
  checkSchema,
  type Database,
  execute,
  migrations,
  openDatabase,
  ownTables,
  queryRows,
  readSchemaState,
  selectRows,
  upgradeDatabase,
} from "@multimaster/database";
import { beforeAll, describe, expect, it } from "vitest";
import { readCatalog } from "../../harness/schema-catalog.ts";
import { type ReferenceTable, readReference } from "../../harness/schema-reference.ts";
import { table } from "../../harness/table.ts";
import { engines, newDatabase, newDatabaseUrl, openTestDatabase } from "../../harness/test-databases.ts";

const isOwn = (name: string) => name.startsWith("mm_");
const reference = readReference();

/** Without the indexes that we add to Buildbot's tables. */
function withoutExtras(table: ReferenceTable | undefined): ReferenceTable | undefined {
  return table && { ...table, indexes: table.indexes.filter((index) => !/^(UNIQUE )?mm_/.test(index)) };
}

describe.each(engines)("the schema on %s", (engine) => {
  let database: Database;
  let catalog: ReferenceTable[];
  beforeAll(async () => {
    database = await newDatabase(engine);
    catalog = await readCatalog(database);
  });

  it("has exactly the 43 tables of Buildbot 4.3.0 beside our own", () => {
    const found = catalog.map((table) => table.name).filter((name) => !isOwn(name));
    expect(found).toEqual(reference.map((table) => table.name).sort());
    expect(found).toHaveLength(43);
  });

  it.each(reference.map((table) => [table.name, table] as const))("has %s as the reference says", (name, wanted) => {
    expect(withoutExtras(catalog.find((table) => table.name === name))).toEqual(wanted);
  });

  it("has the 56 foreign keys of Buildbot 4.3.0", () => {
    const keys = catalog
      .filter((table) => !isOwn(table.name))
      .flatMap((table) => table.columns.filter((c) => c.references));
    expect(keys).toHaveLength(56);
  });

  it("is stamped with Buildbot's version and passes the check", async () => {
    expect(await queryRows(database, "select version_num from alembic_version")).toEqual([{ version_num: "067" }]);
    await checkSchema(database);
  });

  it("is left alone by a second upgrade", async () => {
    expect((await upgradeDatabase(database)).applied).toEqual([]);
  });

  it("refuses a row whose reference does not exist", async () => {
    const insert = table(database, "builders_tags").insert({ builderid: 4711, tagid: 4711 });
    const error = await insert.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(database.dialect.isForeignKeyViolation(error)).toBe(true);
  });
});

describe.each(engines)("upgrading on %s", (engine) => {
  it("happens once when two masters start at the same time", async () => {
    const url = await newDatabaseUrl(engine);
    const [one, two] = [await openTestDatabase(url), await openTestDatabase(url)];
    const reports = await Promise.all([upgradeDatabase(one), upgradeDatabase(two)]);
    const applied = reports.flatMap((report) => report.applied);
    expect(applied).toEqual([...new Set(applied)]);
    expect(applied).toContain("tables of Buildbot 4.3.0");
    await checkSchema(two);
  });

  it("adds only what is ours to a database of Buildbot 4.3.0", async () => {
    const database = await newDatabase(engine);
    await makeItBuildbots(database);
    const report = await upgradeDatabase(database);
    expect(report.from).toBe("067");
    expect(report.applied).toEqual(migrations.map(({ name }) => name));
    expect((await readCatalog(database)).filter((table) => isOwn(table.name)).length).toBeGreaterThan(5);
  });

  it("refuses a Buildbot schema of another version with a sentence that says what to do", async () => {
    const database = await newDatabase(engine);
    await makeItBuildbots(database);
    await execute(database, "update alembic_version set version_num = '060'");
    await expect(upgradeDatabase(database)).rejects.toThrow(/at 060.*stop Buildbot.*master upgrade-database/);
    await execute(database, "update alembic_version set version_num = '099'");
    await expect(upgradeDatabase(database)).rejects.toThrow(/at 099, newer than/);
  });

  it("is asked for when the database is empty", async () => {
    const database = await openTestDatabase(await newDatabaseUrl(engine));
    expect((await readSchemaState(database)).standing).toBe("empty");
    await expect(checkSchema(database)).rejects.toThrow(/master upgrade-database/);
  });
});

describe.each(engines)("a list query on %s", (engine) => {
  it("compares case-sensitively, takes % and _ literally, puts nulls first, and finds nothing in an empty list", async () => {
    const database = await newDatabase(engine);
    const rows = [
      ["a%b", null],
      ["A_B", "y"],
      ["axb", "x"],
    ].map(([name, description]) => ({ name, description, name_hash: name }));
    await table(database, "builders").insert(...rows);
    const from = { from: "builders b", columns: { name: "b.name", description: "b.description" } };
    const names = async (query: object) =>
      (await selectRows<{ name: string }>(database, { ...from, ...query })).map((row) => row.name);
    const order = [{ column: "description" }];
    const { contains, isOneOf } = database.dialect;
    expect(await names({ where: [contains("b.name", "%")] })).toEqual(["a%b"]);
    expect(await names({ where: [contains("b.name", "a")], order })).toEqual(["a%b", "axb"]);
    expect(await names({ order })).toEqual(["a%b", "axb", "A_B"]);
    expect(await names({ order: [{ column: "description", descending: true }], limit: 2 })).toEqual(["A_B", "axb"]);
    expect(await names({ order, offset: 1 })).toEqual(["axb", "A_B"]);
    expect(await names({ where: [isOneOf("b.name", [])] })).toEqual([]);
    expect(await names({ where: [isOneOf("b.name", ["A_B", "no"])] })).toEqual(["A_B"]);
  });

  it.runIf(engine === "postgresql")("reads the newest builds from an index instead of sorting all", async () => {
    const database = await newDatabase(engine);
    const queries: string[] = [];
    database.watch(({ sql }) => queries.push(sql));
    const from = "builds b join builders r on r.id = b.builderid left join workers w on w.id = b.workerid";
    for (const column of ["id", "started_at", "complete_at"]) {
      const columns = { id: "b.id", started_at: "b.started_at", complete_at: "b.complete_at", worker: "w.name" };
      await selectRows(database, {
        from,
        columns,
        order: [
          { column, descending: true },
          { column: "id", descending: true },
        ],
        limit: 5,
      });
      const sql = queries.at(-1)?.replace("$1", "5") as string;
      const plan = await database.transaction(async (tx) => {
        await tx.sql.run("set local enable_seqscan = off");
        return queryRows<{ "QUERY PLAN": string }>(tx, `explain ${sql}`);
      });
      expect(plan.map((line) => line["QUERY PLAN"]).join("\n")).not.toContain("Sort");
    }
  });
});

describe("a SQLite file", () => {
  it("serves one master: a second one is refused with a sentence that names PostgreSQL; readers are admitted", async () => {
    const url = await newDatabaseUrl("sqlite");
    const first = await openTestDatabase(url, true);
    await expect(openDatabase(url, { log: silentLog, exclusive: true })).rejects.toThrow(/use PostgreSQL/);
    const reader = await openTestDatabase(url);
    expect(await queryRows(reader, "select 1 as one")).toEqual([{ one: 1 }]);
    await first.close();
    await (await openTestDatabase(url, true)).close();
  });
});

/** Takes away what is ours, as if only Buildbot had ever been here. */
async function makeItBuildbots(database: Database): Promise<void> {
  const catalog = await readCatalog(database);
  // A table goes before those that it refers to, which earlier migrations have made.
  const made = ownTables.map(({ name }) => name);
  for (const table of catalog.toSorted((a, b) => made.indexOf(b.name) - made.indexOf(a.name))) {
    if (isOwn(table.name)) await database.sql.run(`drop table ${table.name}`);
    else
      for (const index of table.indexes) if (isOwn(index)) await database.sql.run(`drop index ${index.split("(")[0]}`);
  }
}
