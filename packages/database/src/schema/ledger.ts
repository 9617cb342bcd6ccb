import type { Connection } from "../connection.ts";
import { queryRows } from "../dialect.ts";
import { createTables } from "./ddl.ts";
import { hasTable } from "./has-table.ts";
import { ledgerTable } from "./own.ts";

/**
 * The list of the migrations that a database has had, `mm_migrations`. Names count. The ids are for the first release
 * alone, which runs on a database whose highest id is 2 and refuses a higher one: so what it can live with goes down from
 * 0, and what it cannot live with, a data version above its own, goes up.
 */
const idsOfFirstRelease: Readonly<Record<string, number>> = {
  "tables of our own": 1,
  "indexes for long lists, claims and burials": 2,
};
const idOfDataVersion = (version: number) => 100 + version;

/** Names of the migrations applied. */
export async function readLedger(connection: Connection): Promise<Set<string>> {
  if (!(await hasTable(connection, ledgerTable.name))) return new Set();
  const rows = await queryRows<{ name: string }>(connection, "select name from mm_migrations where id < ?", [
    idOfDataVersion(0),
  ]);
  return new Set(rows.map(({ name }) => name));
}

/** Notes a migration; false when it was there already. */
export async function recordMigration(tx: Connection, name: string): Promise<boolean> {
  if ((await readLedger(tx)).has(name)) return false;
  if (!(await hasTable(tx, ledgerTable.name))) {
    for (const statement of createTables(tx.dialect, [ledgerTable])) await tx.sql.run(statement);
  }
  await tx.sql.run(
    `insert into mm_migrations (id, name, applied_at)
     select coalesce(?, coalesce(min(id), 1) - 1), ?, ${tx.dialect.now} from mm_migrations`,
    [idsOfFirstRelease[name] ?? null, name],
  );
  return true;
}

/** Makes the first release refuse to join: it is too old for what the cluster writes from now on. */
export async function markDataVersion(tx: Connection, version: number): Promise<void> {
  await queryRows(tx, `insert into mm_migrations (id, name, applied_at) values (?, ?, ${tx.dialect.now})`, [
    idOfDataVersion(version),
    `data version ${version}`,
  ]);
}
