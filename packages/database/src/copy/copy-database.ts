import { errors } from "@multimaster/core";
import type { Connection, Database } from "../connection.ts";
import { queryRows } from "../dialect.ts";
import { quote } from "../quote.ts";
import { readLedger } from "../schema/ledger.ts";
import { checkSchema } from "../schema/schema-state.ts";
import { copyTable } from "./copy-table.ts";
import { findRowsOfOthers, readForeignKeys, readTables, setSequences } from "./postgresql-catalog.ts";

/** The number of rows copied, by table; tables without rows are left out. */
export type CopiedRows = Readonly<Record<string, number>>;

export interface CopyOptions {
  /** Called after each table. */
  onTable?(table: string, rows: number): void;
  /** Runs in the transaction of the copy, after its last row. */
  finish?(tx: Connection, copied: CopiedRows): Promise<void>;
}

/**
 * Copies every row of a SQLite database into a PostgreSQL database that has the same tables and no rows of a cluster: all of
 * it in one transaction, or nothing. Throws a sentence where one of them is not fit for that. No master may run on either.
 */
export async function copyDatabase(from: Database, to: Database, options: CopyOptions = {}): Promise<CopiedRows> {
  await checkSchema(from);
  await checkSchema(to);
  await refuseDifferentSchemas(from, to);
  return from.snapshot((source) => to.transaction((target) => copyRows(source, target, to.describe, options)));
}

async function copyRows(source: Connection, target: Connection, where: string, options: CopyOptions) {
  const tables = await readTables(target);
  const occupied = await findRowsOfOthers(target, tables);
  if (occupied) throw errors.copyTargetNotEmpty(where, occupied);
  // The tables refer to each other in a circle: the references come back, and are checked, after the last row.
  const keys = await readForeignKeys(target);
  for (const { table, name } of keys) await target.sql.run(`alter table ${table} drop constraint ${name}`);
  const copied: Record<string, number> = {};
  for (const { name, columns } of tables) {
    await target.sql.run(`delete from ${quote(name)}`);
    const rows = await copyTable(source, target, name, columns);
    if (rows > 0) copied[name] = rows;
    options.onTable?.(name, rows);
  }
  for (const { table, name, definition } of keys)
    await target.sql.run(`alter table ${table} add constraint ${name} ${definition}`);
  await setSequences(target);
  await options.finish?.(target, copied);
  return copied;
}

/** Both have what this release needs; one may have had migrations of another release besides. */
async function refuseDifferentSchemas(from: Database, to: Database): Promise<void> {
  const [ours, theirs] = [await readLedger(from), await readLedger(to)];
  const only = [...ours].filter((name) => !theirs.has(name));
  if (only.length > 0) throw errors.copySchemasDiffer(from.describe, to.describe, only);
  const tables = new Set((await readTables(to)).map(({ name }) => name));
  const names = await queryRows<{ name: string }>(
    from,
    "select name from sqlite_master where type = 'table' and name not like 'sqlite\\_%' escape '\\'",
  );
  const unknown = names.filter(({ name }) => !tables.has(name)).map(({ name }) => name);
  if (unknown.length > 0) throw errors.copySchemasDiffer(from.describe, to.describe, unknown);
}
