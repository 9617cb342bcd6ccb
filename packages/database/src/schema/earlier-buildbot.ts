import { errors } from "@multimaster/core";
import type { Connection, Database } from "../connection.ts";
import { execute, queryRows } from "../dialect.ts";
import { buildbotTables, buildbotVersion } from "./buildbot.ts";
import { createIndex, createTables } from "./ddl.ts";
import type { Table } from "./declare-table.ts";
import { hasTable } from "./has-table.ts";
import { withLockTimeout } from "./lock-timeout.ts";
import { readSchemaState } from "./schema-state.ts";
import { withUpgradeLock } from "./upgrade-lock.ts";

/** A master of Buildbot that has not written for so long has ended. */
const silentSeconds = 600;

/**
 * Brings the tables of a Buildbot from 2.10 on to those of 4.3.0; returns what they were at, or undefined where there is nothing to
 * do. All that came in between adds tables and columns. Only Buildbot 4.3 itself can use the database afterwards.
 */
export async function upgradeBuildbotTables(database: Database): Promise<string | undefined> {
  return withUpgradeLock(database, async () => {
    const { standing, buildbot } = await readSchemaState(database);
    if (standing !== "earlier") return undefined;
    await withLockTimeout(database, `Buildbot's tables, from ${buildbot} to ${buildbotVersion}`, async (tx) => {
      await refuseRunning(tx);
      await addMissing(tx);
    });
    return buildbot;
  });
}

async function refuseRunning(tx: Connection): Promise<void> {
  const { nowSeconds } = tx.dialect;
  const [master] = await queryRows<{ name: string; ago: number }>(
    tx,
    `select name, ${nowSeconds} - last_active as ago from masters
      where active = 1 and last_active > ${nowSeconds} - ${silentSeconds} order by last_active desc limit 1`,
  );
  if (master) throw errors.earlierBuildbotRuns(master.name, Math.max(0, Math.round(Number(master.ago))));
}

async function addMissing(tx: Connection): Promise<void> {
  const missing: Table[] = [];
  for (const table of buildbotTables) if (!(await hasTable(tx, table.name))) missing.push(table);
  for (const statement of createTables(tx.dialect, missing)) await tx.sql.run(statement);
  for (const table of buildbotTables) if (!missing.includes(table)) await addColumns(tx, table);
  for (const table of buildbotTables)
    for (const index of table.indexes) await tx.sql.run(createIndex(tx.dialect, table.name, index));
  if (await hasTable(tx, "migrate_version")) await tx.sql.run("drop table migrate_version");
  await execute(tx, "delete from alembic_version");
  await execute(tx, "insert into alembic_version (version_num) values (?)", [buildbotVersion]);
}

async function addColumns(tx: Connection, table: Table): Promise<void> {
  const there = new Set(await columnsOf(tx, table.name));
  for (const [name, { facts }] of Object.entries(table.columns)) {
    if (there.has(name)) continue;
    // What must not be null has a value in the rows that are there already: nothing, as in Buildbot.
    const filled = facts.nullable ? "" : " not null default 0";
    const { references } = facts;
    const refers = references
      ? ` references ${references.table} (${references.column}) on delete ${references.onDelete}`
      : "";
    await tx.sql.run(
      `alter table ${table.name} add column ${name} ${tx.dialect.columnType(facts.type)}${filled}${refers}`,
    );
    if (filled !== "" && tx.dialect.name === "postgresql")
      await tx.sql.run(`alter table ${table.name} alter column ${name} drop default`);
    if (`${table.name}.${name}` === "steps.locks_acquired_at")
      await tx.sql.run("update steps set locks_acquired_at = started_at");
  }
}

async function columnsOf(tx: Connection, table: string): Promise<string[]> {
  const rows = await queryRows<{ name: string }>(
    tx,
    tx.dialect.name === "sqlite"
      ? "select name from pragma_table_info(?)"
      : "select attname as name from pg_attribute where attrelid = to_regclass(?) and attnum > 0 and not attisdropped",
    [table],
  );
  return rows.map(({ name }) => name);
}
