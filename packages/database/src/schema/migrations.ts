import type { Connection } from "../connection.ts";
import type { Dialect } from "../dialect.ts";
import { createTables } from "./ddl.ts";
import { type ExtraIndex, extraIndexes, firstTables, orderTables, stallTables, triggerTables } from "./own.ts";

/**
 * One step of our own schema. Migrations only go up, in place, while masters of the release before are running: so they
 * add, and what the release before still needs is removed one release later.
 *
 * A step is either statements, run in one transaction, or indexes, which PostgreSQL builds without blocking writers.
 */
export type Migration = { id: number; name: string } & (
  | { statements: (dialect: Dialect) => string[]; fill?: (tx: Connection) => Promise<void> }
  | { indexes: readonly ExtraIndex[] }
);

export const migrations: readonly Migration[] = [
  { id: 1, name: "tables of our own", statements: (dialect) => createTables(dialect, firstTables) },
  { id: 2, name: "indexes for long lists, claims and burials", indexes: extraIndexes },
  { id: 3, name: "orders to masters", statements: (dialect) => createTables(dialect, orderTables) },
  { id: 4, name: "tables for triggered builds", statements: (dialect) => createTables(dialect, triggerTables) },
  { id: 5, name: "stalls of event loops", statements: (dialect) => createTables(dialect, stallTables) },
];

export const newestMigration = Math.max(...migrations.map((migration) => migration.id));
