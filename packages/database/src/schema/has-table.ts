import type { Connection } from "../connection.ts";
import { queryRows } from "../dialect.ts";

/** Whether a table is there, also one that this user may not read: PostgreSQL's information_schema leaves those out. */
export async function hasTable(connection: Connection, name: string): Promise<boolean> {
  const found = await queryRows(
    connection,
    connection.dialect.name === "sqlite"
      ? "select 1 from sqlite_master where type = 'table' and name = ?"
      : "select 1 from pg_class where relname = ? and relnamespace = current_schema()::regnamespace and relkind in ('r', 'p')",
    [name],
  );
  return found.length > 0;
}
