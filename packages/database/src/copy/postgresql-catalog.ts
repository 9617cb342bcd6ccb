import type { Connection } from "../connection.ts";
import { queryRows } from "../dialect.ts";
import { quote } from "../quote.ts";

/** Tables that have rows before the first master has run: the schema's own, and who made it. */
const filledByTheSchema: ReadonlySet<string> = new Set([
  "alembic_version",
  "mm_migrations",
  "mm_data_version",
  "mm_line_history",
  "mm_audit",
]);

export interface CatalogTable {
  readonly name: string;
  readonly columns: readonly string[];
}

/** A reference from one table to another. */
export interface ForeignKey {
  /** Quoted, as is the name of the constraint. */
  readonly table: string;
  readonly name: string;
  readonly definition: string;
}

/** The tables of the schema that statements mean when they name none, with their columns in order. */
export async function readTables(connection: Connection): Promise<CatalogTable[]> {
  return queryRows<{ name: string; columns: string[] }>(
    connection,
    `select c.table_name as name, array_agg(c.column_name::text order by c.ordinal_position) as columns
     from information_schema.columns c
     join information_schema.tables t on t.table_schema = c.table_schema and t.table_name = c.table_name
     where c.table_schema = current_schema() and t.table_type = 'BASE TABLE'
     group by c.table_name order by c.table_name`,
  );
}

/** The first of these tables that has rows other than those that came with the schema; undefined if there is none. */
export async function findRowsOfOthers(
  connection: Connection,
  tables: readonly CatalogTable[],
): Promise<string | undefined> {
  for (const { name } of tables) {
    if (filledByTheSchema.has(name)) continue;
    const rows = await queryRows(connection, `select 1 from ${quote(name)} limit 1`);
    if (rows.length > 0) return name;
  }
  return undefined;
}

export async function readForeignKeys(connection: Connection): Promise<ForeignKey[]> {
  return queryRows<ForeignKey & Record<string, string>>(
    connection,
    `select conrelid::regclass::text as "table", quote_ident(conname) as name, pg_get_constraintdef(oid) as definition
     from pg_constraint where contype = 'f' and connamespace = current_schema()::regnamespace order by oid`,
  );
}

/** Lets each generated id go on after the highest that a table has. */
export async function setSequences(connection: Connection): Promise<void> {
  const columns = await queryRows<{ table: string; column: string; sequence: string }>(
    connection,
    `select c.table_name as "table", c.column_name as "column",
       pg_get_serial_sequence(quote_ident(c.table_name), c.column_name) as sequence
     from information_schema.columns c
     where c.table_schema = current_schema()
       and pg_get_serial_sequence(quote_ident(c.table_name), c.column_name) is not null`,
  );
  for (const { table, column, sequence } of columns)
    await connection.sql.run(
      `select setval(?::regclass, greatest(coalesce(max(${quote(column)}), 0), 1), max(${quote(column)}) is not null) from ${quote(table)}`,
      [sequence],
    );
}
