import { errors, type UserError } from "@multimaster/core";
import type { Connection, Database } from "../connection.ts";
import { execute, queryRows } from "../dialect.ts";
import { buildbotTables, buildbotVersion } from "./buildbot.ts";
import { applyContract } from "./contract.ts";
import { raiseDataVersion } from "./data-version.ts";
import { createIndex, createTables } from "./ddl.ts";
import { readLedger, recordMigration } from "./ledger.ts";
import { withLockTimeout } from "./lock-timeout.ts";
import { type Migration, migrationStatements } from "./migration.ts";
import { migrations as allMigrations } from "./migrations.ts";
import type { ExtraIndex } from "./own.ts";
import { describeSchema, readSchemaState, refuseUnknown } from "./schema-state.ts";
import { withUpgradeLock } from "./upgrade-lock.ts";

export interface UpgradeReport {
  from: string;
  to: string;
  /** Names of what was done, in order; empty when there was nothing to do. */
  applied: string[];
  /** Why something was left undone: masters that run still need what a contract migration takes away. */
  waiting?: UserError;
}

/**
 * Brings the schema to this release, in place: creates everything in an empty database, adds what is ours to one of
 * Buildbot 4.3.0. Masters that upgrade at the same time wait for each other.
 */
export async function upgradeDatabase(
  database: Database,
  migrations: readonly Migration[] = allMigrations,
): Promise<UpgradeReport> {
  return withUpgradeLock(database, async () => {
    const before = await readSchemaState(database, migrations);
    refuseUnknown(before);
    const applied = before.standing === "empty" ? await createEverything(database, migrations) : [];
    let waiting: UserError | undefined;
    for (const migration of migrations) {
      if ((await readLedger(database)).has(migration.name)) continue;
      const older = await applyMigration(database, migration);
      if (older.length === 0) applied.push(migration.name);
      else waiting ??= errors.mastersNeedSchema(migration.name, older);
    }
    const to = describeSchema(await readSchemaState(database, migrations));
    return { from: describeSchema(before), to, applied, ...(waiting && { waiting }) };
  });
}

/** In one transaction, so that a master that starts meanwhile sees an empty database or a finished one, never a part. */
async function createEverything(database: Database, migrations: readonly Migration[]): Promise<string[]> {
  return database.transaction(async (tx) => {
    // Checked again: on SQLite another process may have created them while we waited for the write lock.
    if ((await readSchemaState(tx)).standing !== "empty") return [];
    for (const statement of createTables(tx.dialect, buildbotTables)) await tx.sql.run(statement);
    await execute(tx, "insert into alembic_version (version_num) values (?)", [buildbotVersion]);
    for (const migration of migrations) {
      await applyInside(tx, migration);
      if (migration.kind === "contract") await raiseDataVersion(tx, migration.dataVersion);
    }
    return ["tables of Buildbot 4.3.0", ...migrations.map((migration) => migration.name)];
  });
}

/** Returns the names of the masters that it waits for; none when it is applied. */
async function applyMigration(database: Database, migration: Migration): Promise<string[]> {
  if (migration.kind === "contract") return applyContract(database, migration, applyInside);
  if (migration.indexes && database.dialect.name === "postgresql") {
    // Outside a transaction, as `concurrently` wants it; if interrupted, the next upgrade goes on where this one stopped.
    for (const index of migration.indexes) await createIndexConcurrently(database, index);
    await database.transaction((tx) => recordMigration(tx, migration.name));
  } else await withLockTimeout(database, migration.name, (tx) => applyInside(tx, migration));
  return [];
}

async function applyInside(tx: Connection, migration: Migration): Promise<void> {
  if (!(await recordMigration(tx, migration.name))) return;
  for (const statement of migrationStatements(tx.dialect, migration)) await tx.sql.run(statement);
}

async function createIndexConcurrently(database: Database, index: ExtraIndex): Promise<void> {
  // An index that was interrupted in the making stays behind, invalid.
  const invalid = await queryRows(
    database,
    "select 1 from pg_index where indexrelid = to_regclass(?) and not indisvalid",
    [index.name],
  );
  if (invalid.length > 0) await database.sql.run(`drop index concurrently if exists ${index.name}`);
  await database.sql.run(createIndex(database.dialect, index.table, index, "concurrently"));
}
