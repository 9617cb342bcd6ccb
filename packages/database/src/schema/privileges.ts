import { errors } from "@multimaster/core";
import type { Connection } from "../connection.ts";
import { queryRows } from "../dialect.ts";
import { buildbotTables } from "./buildbot.ts";
import { ownTables } from "./migrations.ts";
import { ledgerTable } from "./own.ts";

/** Only `master upgrade-database` writes these. */
const readOnly = new Set(["alembic_version", ledgerTable.name]);

/**
 * Throws a sentence when the user of the database may not do what a master needs (docs/database.md): without one of its
 * privileges a master would start, and builds would wait for ever at the first write that is refused.
 */
export async function checkPrivileges(connection: Connection): Promise<void> {
  if (connection.dialect.name !== "postgresql") return;
  const names = new Set([...buildbotTables, ...ownTables].map(({ name }) => name));
  const written = [...names].filter((name) => !readOnly.has(name));
  const missing = await queryRows<{ privilege: string; name: string }>(
    connection,
    `select p.privilege, 'table ' || c.relname as name
     from pg_class c, (values ('select'), ('insert'), ('update'), ('delete')) p(privilege)
     where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p')
       and (c.relname = any(?::text[]) or c.relname = any(?::text[]) and p.privilege = 'select')
       and not has_table_privilege(c.oid, p.privilege)
     union all
     select 'usage', 'sequence ' || s.relname
     from pg_class c join pg_depend d on d.refobjid = c.oid and d.deptype in ('a', 'i') join pg_class s on s.oid = d.objid
     where c.relnamespace = current_schema()::regnamespace and c.relname = any(?::text[])
       and case when s.relkind = 'S' then not has_sequence_privilege(s.oid, 'usage') else false end
     order by 2, 1`,
    [written, [...names], written],
  );
  const [first] = missing;
  if (first === undefined) return;
  const more = missing.length === 1 ? "" : ` and ${missing.length - 1} more`;
  throw errors.databaseUnusable("its user lacks a privilege", `${first.privilege} on ${first.name}${more}`);
}
