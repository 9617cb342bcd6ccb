import { type Database, queryRows } from "@multimaster/database";
import type { ReferenceColumn, ReferenceTable } from "./schema-reference.ts";

/** What a database's own catalogue says about its tables, in the words of the reference. */
export async function readCatalog(database: Database): Promise<ReferenceTable[]> {
  const tables = await (database.dialect.name === "sqlite" ? readSqlite(database) : readPostgresql(database));
  return tables.sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function readSqlite(database: Database): Promise<ReferenceTable[]> {
  const names = await queryRows<{ name: string }>(
    database,
    "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'",
  );
  return Promise.all(names.map(({ name }) => readSqliteTable(database, name)));
}

async function readSqliteTable(database: Database, table: string): Promise<ReferenceTable> {
  const columns = await queryRows<{
    name: string;
    type: string;
    notnull: number;
    dflt_value: string | null;
    pk: number;
  }>(database, "select * from pragma_table_info(?)", [table]);
  const references = await queryRows<{ from: string; table: string; to: string; on_delete: string }>(
    database,
    "select * from pragma_foreign_key_list(?)",
    [table],
  );
  const indexes = await queryRows<{ name: string; unique: number; columns: string }>(
    database,
    `select l.name, l."unique", (select group_concat(name, ',') from pragma_index_info(l.name)) as columns
     from pragma_index_list(?) l where l.origin = 'c'`,
    [table],
  );
  const primaryKeys = columns.filter((column) => column.pk > 0);
  return {
    name: table,
    columns: columns.map((column): ReferenceColumn => {
      const reference = references.find((candidate) => candidate.from === column.name);
      const rowid = primaryKeys.length === 1 && column.pk > 0 && column.type === "INTEGER" && !reference;
      return {
        name: column.name,
        type: column.type.toLowerCase().replace("blob", "bytea"),
        nullable: column.notnull === 0,
        default: rowid ? "serial" : plainDefault(column.dflt_value),
        references: reference ? `${reference.table}.${reference.to} (${reference.on_delete.toLowerCase()})` : "",
        primary: column.pk > 0,
      };
    }),
    indexes: indexes.map((index) => `${index.unique ? "UNIQUE " : ""}${index.name}(${index.columns})`).sort(),
  };
}

async function readPostgresql(database: Database): Promise<ReferenceTable[]> {
  const names = await queryRows<{ name: string }>(
    database,
    "select relname as name from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace",
  );
  return Promise.all(names.map(({ name }) => readPostgresqlTable(database, name)));
}

async function readPostgresqlTable(database: Database, table: string): Promise<ReferenceTable> {
  const columns = await queryRows<{
    name: string;
    type: string;
    nullable: boolean;
    value: string | null;
    pk: boolean;
    reference: string | null;
  }>(
    database,
    `select a.attname as name, format_type(a.atttypid, a.atttypmod) as type, not a.attnotnull as nullable,
       pg_get_expr(d.adbin, d.adrelid) as value,
       exists (select 1 from pg_constraint c where c.conrelid = a.attrelid and c.contype = 'p' and a.attnum = any(c.conkey)) as pk,
       (select c.confrelid::regclass || '.' || f.attname || ' (' || case c.confdeltype when 'c' then 'cascade' when 'n' then 'set null' else 'none' end || ')'
        from pg_constraint c join pg_attribute f on f.attrelid = c.confrelid and f.attnum = c.confkey[1]
        where c.conrelid = a.attrelid and c.contype = 'f' and c.conkey = array[a.attnum]) as reference
     from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
     where a.attrelid = ?::regclass and a.attnum > 0 and not a.attisdropped order by a.attnum`,
    [table],
  );
  const indexes = await queryRows<{ name: string; unique: boolean; columns: string }>(
    database,
    `select i.indexrelid::regclass::text as name, i.indisunique as unique,
       (select string_agg(a.attname, ',' order by k.n) from unnest(i.indkey::int2[]) with ordinality k(attnum, n)
        join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum) as columns
     from pg_index i where i.indrelid = ?::regclass and not i.indisprimary`,
    [table],
  );
  return {
    name: table,
    columns: columns.map(
      (column): ReferenceColumn => ({
        name: column.name,
        type: column.type.replace("character varying", "varchar"),
        nullable: column.nullable,
        default: column.value?.startsWith("nextval(") ? "serial" : plainDefault(column.value),
        references: column.reference ?? "",
        primary: column.pk,
      }),
    ),
    indexes: indexes.map((index) => `${index.unique ? "UNIQUE " : ""}${index.name}(${index.columns})`).sort(),
  };
}

/** `'0'::smallint`, `'0'` and `0` are the same default. */
function plainDefault(value: string | null): string | null {
  return value === null ? null : value.replace(/::[\w ]+$/, "").replace(/^'(\d+)'$/, "$1");
}
