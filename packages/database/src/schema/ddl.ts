import { append } from "@multimaster/core";
import type { Dialect } from "../dialect.ts";
import type { Column, Index, Table } from "./declare-table.ts";

/**
 * The statements that create tables. References of SQLite must stand in the table; PostgreSQL's come afterwards, since
 * Buildbot's tables refer to each other in a circle (build, build request, buildset, parent build).
 */
export function createTables(dialect: Dialect, tables: readonly Table[]): string[] {
  const afterwards = dialect.name === "postgresql";
  return [
    ...tables.map((table) => createTable(dialect, table, !afterwards)),
    ...(afterwards ? tables.flatMap(addReferences) : []),
    ...tables.flatMap((table) => table.indexes.map((index) => createIndex(dialect, table.name, index))),
  ];
}

function createTable(dialect: Dialect, table: Table, withReferences: boolean): string {
  const columns = Object.entries(table.columns);
  const lines = columns.map(([name, column]) => columnLine(dialect, name, column));
  const primary = columns.filter(([, column]) => column.facts.primary).map(([name]) => name);
  if (primary.length > 0) lines.push(`primary key (${primary.join(", ")})`);
  if (withReferences)
    append(
      lines,
      columns.flatMap(([name, column]) => referenceClause(name, column)),
    );
  return `create table ${table.name} (\n  ${lines.join(",\n  ")}\n)`;
}

function columnLine(dialect: Dialect, name: string, { facts }: Column): string {
  const parts = [name, dialect.columnType(facts.type)];
  if (facts.default !== undefined) parts.push(`default ${facts.default}`);
  if (!facts.nullable) parts.push("not null");
  return parts.join(" ");
}

function referenceClause(name: string, { facts }: Column): string[] {
  if (!facts.references) return [];
  const { table, column, onDelete } = facts.references;
  return [`foreign key (${name}) references ${table} (${column}) on delete ${onDelete}`];
}

function addReferences(table: Table): string[] {
  return Object.entries(table.columns).flatMap(([name, column]) =>
    referenceClause(name, column).map(
      (clause) => `alter table ${table.name} add constraint ${table.name}_${name}_fkey ${clause}`,
    ),
  );
}

/** The statement that creates an index; `how` may ask for PostgreSQL's `concurrently`. */
export function createIndex(dialect: Dialect, table: string, index: Index, how: "" | "concurrently" = ""): string {
  const words = ["create", index.unique ? "unique index" : "index", how, "if not exists", index.name, "on", table];
  const where = index.where === undefined ? "" : ` where ${index.where}`;
  // SQLite's order is nulls first already, and it refuses the words.
  const columns = dialect.name === "sqlite" ? index.columns.map((c) => c.replace(" nulls first", "")) : index.columns;
  return `${words.filter(Boolean).join(" ")} (${columns.join(", ")})${where}`;
}
