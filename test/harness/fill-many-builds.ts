import { type Database, execute } from "@multimaster/database";
import pg from "pg";
import { type Amounts, describeHistory, growing } from "./many-builds.ts";

/** Called for each table when it is filled, with the seconds that took. */
export type Report = (what: string, seconds: number) => void;

/** Fills an upgraded PostgreSQL database: indexes are made afterwards, references are not checked. */
export async function fillPostgres(url: string, amounts: Amounts, report: Report = () => {}): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const run = async (what: string, sql: string) => {
    const began = Date.now();
    await client.query(sql);
    report(what, (Date.now() - began) / 1000);
  };
  try {
    await client.query(
      "set session_replication_role = replica; set maintenance_work_mem = '1GB'; set work_mem = '256MB'; set synchronous_commit = off",
    );
    const { rows: indexes } = await client.query<{ tablename: string; indexname: string; indexdef: string }>(
      `select i.tablename, i.indexname, i.indexdef from pg_indexes i
        where i.schemaname = 'public' and i.tablename = any($1) and not exists (select 1 from pg_constraint c where c.conname = i.indexname)`,
      [[...growing]],
    );
    for (const { indexname } of indexes) await client.query(`drop index "${indexname}"`);
    for (const [table, sql] of describeHistory("postgresql", amounts)) await run(table, sql);
    for (const { tablename, indexdef } of indexes) await run(`index of ${tablename}`, indexdef);
    const { rows: serials } = await client.query<{ set: string }>(
      `select format('select setval(%L, (select coalesce(max(%I), 0) + 1 from %I), false)', pg_get_serial_sequence(quote_ident(table_name), column_name), column_name, table_name) as set
         from information_schema.columns where table_schema = 'public' and column_default like 'nextval%'`,
    );
    for (const { set } of serials) await client.query(set);
    await run("vacuum analyze", "vacuum analyze");
  } finally {
    await client.end();
  }
}

/** The same for an upgraded SQLite database. */
export async function fillSqlite(database: Database, amounts: Amounts, report: Report = () => {}): Promise<void> {
  await execute(database, "pragma foreign_keys = off");
  for (const [table, sql] of describeHistory("sqlite", amounts)) {
    const began = Date.now();
    await execute(database, sql);
    report(table, (Date.now() - began) / 1000);
  }
  await execute(database, "pragma foreign_keys = on");
}
