import { createHash } from "node:crypto";
import { type Dialect, dialects } from "../dialect.ts";
import { createIndex, createTables } from "./ddl.ts";
import type { Table } from "./declare-table.ts";
import type { ExtraIndex } from "./own.ts";

/**
 * One step of our own schema, known by its name. It only goes up, in place, while masters run, and is never edited once
 * a release had it (test/releases.json).
 *
 * - "expand" adds: masters of the release before go on beside it, and restart, without knowing it.
 * - "contract" takes away or rewrites what masters below `dataVersion` need: it waits until none of them is left, and
 *   keeps them away from then on. It comes at the earliest in the release after the one that brought that version.
 */
export type Migration = Expand | Contract;

interface Expand {
  name: string;
  kind: "expand";
  /** Tables to create; for everything that needs to know them (`ownTables`) they are declared, not spelled out. */
  tables?: readonly Table[];
  /** Indexes on other tables, which PostgreSQL builds without blocking writers. Not together with the others. */
  indexes?: readonly ExtraIndex[];
  /** Any other SQL, run after the tables in the same transaction. */
  statements?: (dialect: Dialect) => string[];
}

export interface Contract {
  name: string;
  kind: "contract";
  dataVersion: number;
  statements: (dialect: Dialect) => string[];
}

/** The SQL of a migration. */
export function migrationStatements(dialect: Dialect, migration: Migration): string[] {
  if (migration.kind === "contract") return migration.statements(dialect);
  const { tables = [], indexes = [], statements = () => [] } = migration;
  return [
    ...createTables(dialect, tables),
    ...indexes.map((index) => createIndex(dialect, index.table, index)),
    ...statements(dialect),
  ];
}

/**
 * A hash of what a migration does on both engines.
 *
 * @public A test compares it with the hash of each release: a migration that was released must not change.
 */
export function hashMigration(migration: Migration): string {
  const { kind } = migration;
  const statements = Object.values(dialects).map((dialect) => migrationStatements(dialect, migration));
  const dataVersion = migration.kind === "contract" ? migration.dataVersion : null;
  return createHash("sha256").update(JSON.stringify({ kind, dataVersion, statements })).digest("hex").slice(0, 16);
}
