import { setTimeout as sleep } from "node:timers/promises";
import { errors } from "@multimaster/core";
import pg from "pg";
import type { Connection, Database } from "../connection.ts";
import { queryRows } from "../dialect.ts";
import { postgresqlConnection } from "../postgresql-client.ts";
import { buildbotTables, buildbotVersion } from "./buildbot.ts";
import { createIndex, createTables } from "./ddl.ts";
import { type Migration, migrations } from "./migrations.ts";
import { type ExtraIndex, ledgerTable } from "./own.ts";
import { describeSchema, readSchemaState, type SchemaState, wantedSchema } from "./schema-state.ts";

export interface UpgradeReport {
  from: string;
  to: string;
  /** Names of what was done, in order; empty when there was nothing to do. */
  applied: string[];
}

/**
 * Brings the schema to this release, in place: creates everything in an empty database, adds what is ours to one of
 * Buildbot 4.3.0. Masters that upgrade at the same time wait for each other.
 */
export async function upgradeDatabase(database: Database): Promise<UpgradeReport> {
  return withUpgradeLock(database, async () => {
    const state = await readSchemaState(database);
    refuseUnknown(state);
    const applied = state.standing === "empty" ? await createEverything(database) : [];
    for (const migration of migrations) {
      if (await applyMigration(database, migration)) applied.push(migration.name);
    }
    return { from: describeSchema(state.buildbot, state.own), to: wantedSchema, applied };
  });
}

function refuseUnknown({ buildbot, own, standing }: SchemaState): void {
  const found = describeSchema(buildbot, own);
  if (standing === "tooNew") throw errors.databaseTooNew(found, wantedSchema);
  if (standing === "foreign") throw errors.databaseOfOtherBuildbot(found, buildbotVersion);
}

/**
 * Holds the upgrade for this process. PostgreSQL's advisory lock is asked for again and again rather than waited for: a
 * waiting session holds a snapshot, and building an index concurrently waits for all snapshots.
 */
async function withUpgradeLock<T>(database: Database, work: () => Promise<T>): Promise<T> {
  if (database.dialect.name === "sqlite") return work();
  const holder = new pg.Client(postgresqlConnection(database.url, { idleTransactionMs: 0 }));
  holder.on("error", () => {});
  await holder.connect();
  try {
    while (!(await tryLock(holder))) await sleep(200);
    return await work();
  } finally {
    await holder.end();
  }
}

async function tryLock(holder: pg.Client): Promise<boolean> {
  const answer = await holder.query("select pg_try_advisory_lock(hashtextextended('multimaster:upgrade', 0)) as got");
  return answer.rows[0].got === true;
}

/** In one transaction, so that a master that starts meanwhile sees an empty database or a finished one, never a part. */
async function createEverything(database: Database): Promise<string[]> {
  return database.transaction(async (tx) => {
    // Looked at again: on SQLite another process may have created them while we waited for the write lock.
    if ((await readSchemaState(tx)).standing !== "empty") return [];
    for (const statement of createTables(tx.dialect, buildbotTables)) await tx.sql.raw(statement);
    await tx.sql("alembic_version").insert({ version_num: buildbotVersion });
    for (const migration of migrations) await applyInside(tx, migration);
    return ["tables of Buildbot 4.3.0", ...migrations.map((migration) => migration.name)];
  });
}

async function applyMigration(database: Database, migration: Migration): Promise<boolean> {
  if ("indexes" in migration && database.dialect.name === "postgresql") {
    if (await isApplied(database, migration.id)) return false;
    // Outside a transaction, as `concurrently` wants it; if interrupted, the next upgrade goes on where this one stopped.
    for (const index of migration.indexes) await createIndexConcurrently(database, index);
    return database.transaction((tx) => recordOnce(tx, migration));
  }
  return database.transaction((tx) => applyInside(tx, migration));
}

/** False when it was applied already. */
async function applyInside(tx: Connection, migration: Migration): Promise<boolean> {
  if (!(await recordOnce(tx, migration))) return false;
  if ("indexes" in migration) {
    for (const index of migration.indexes) await tx.sql.raw(createIndex(tx.dialect, index.table, index));
  } else {
    for (const statement of migration.statements(tx.dialect)) await tx.sql.raw(statement);
    await migration.fill?.(tx);
  }
  return true;
}

async function createIndexConcurrently(database: Database, index: ExtraIndex): Promise<void> {
  // An index that was interrupted in the making stays behind, invalid.
  const invalid = await queryRows(
    database,
    "select 1 from pg_index where indexrelid = to_regclass(?) and not indisvalid",
    [index.name],
  );
  if (invalid.length > 0) await database.sql.raw(`drop index concurrently if exists ${index.name}`);
  await database.sql.raw(createIndex(database.dialect, index.table, index, "concurrently"));
}

async function isApplied(connection: Connection, id: number): Promise<boolean> {
  if (!(await connection.sql.schema.hasTable(ledgerTable.name))) return false;
  return (await queryRows(connection, "select 1 from mm_migrations where id = ?", [id])).length > 0;
}

/** Notes a migration in the ledger; false when it was there already. */
async function recordOnce(tx: Connection, { id, name }: Migration): Promise<boolean> {
  if (await isApplied(tx, id)) return false;
  if (!(await tx.sql.schema.hasTable(ledgerTable.name))) {
    for (const statement of createTables(tx.dialect, [ledgerTable])) await tx.sql.raw(statement);
  }
  await tx.sql.raw(`insert into mm_migrations (id, name, applied_at) values (?, ?, ${tx.dialect.now})`, [id, name]);
  return true;
}
