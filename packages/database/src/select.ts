import type { Connection, Row } from "./connection.ts";
import { type Dialect, type Fragment, queryRows } from "./dialect.ts";
import { neverNull } from "./nullability.ts";
import { quote } from "./quote.ts";

export interface Order {
  /** A name from `columns`, or any SQL expression. */
  column: string;
  descending?: boolean;
}

export interface Select {
  /** What follows `from`: tables and joins, as SQL. */
  from: string;
  /** Name in the answer to SQL expression. */
  columns: Readonly<Record<string, string>>;
  /** All of them must hold. */
  where?: readonly Fragment[];
  order?: readonly Order[];
  limit?: number;
  offset?: number;
}

/** Rows of a list query, everything done by the database. Nulls come first in ascending order and last in descending. */
export async function selectRows<R extends object = Row>(connection: Connection, select: Select): Promise<R[]> {
  const { sql, bindings } = writeSelect(connection.dialect, select);
  return queryRows<R>(connection, sql, bindings);
}

/** The statement of a list query. */
export function writeSelect(dialect: Dialect, select: Select): Fragment {
  const columns = Object.entries(select.columns).map(([name, expression]) => `${expression} as ${quote(name)}`);
  const where = whereClause(select);
  const range = rangeClause(dialect, select);
  const sql = `select ${columns.join(", ")} from ${select.from}${where.sql}${orderClause(dialect, select)}${range.sql}`;
  return { sql, bindings: [...where.bindings, ...range.bindings] };
}

/** The number of rows without `limit` and `offset`. Counting stops at `upTo`. */
export async function countRows(
  connection: Connection,
  select: Omit<Select, "order" | "limit" | "offset">,
  upTo: number,
): Promise<number> {
  const where = whereClause(select);
  const rows = await queryRows<{ n: number }>(
    connection,
    `select count(*) as n from (select 1 from ${select.from}${where.sql} limit ${upTo}) counted`,
    where.bindings,
  );
  return rows[0]?.n ?? 0;
}

function whereClause({ where = [] }: Pick<Select, "where">): Fragment {
  if (where.length === 0) return { sql: "", bindings: [] };
  return {
    sql: ` where ${where.map(({ sql }) => `(${sql})`).join(" and ")}`,
    bindings: where.flatMap(({ bindings }) => bindings),
  };
}

function orderClause(dialect: Dialect, { from, order = [], columns }: Select): string {
  if (order.length === 0) return "";
  const isNeverNull = neverNull(from);
  const parts = order.map(({ column, descending }) => {
    const expression = columns[column] ?? column;
    if (isNeverNull(expression)) return `${expression}${descending ? " desc" : ""}`;
    return `${expression}${descending ? dialect.descending : dialect.ascending}`;
  });
  return ` order by ${parts.join(", ")}`;
}

function rangeClause(dialect: Dialect, { limit, offset }: Select): Fragment {
  if (limit === undefined && offset === undefined) return { sql: "", bindings: [] };
  const parts: string[] = [];
  if (limit !== undefined) parts.push("limit ?");
  else if (dialect.name === "sqlite") parts.push("limit -1");
  if (offset !== undefined) parts.push("offset ?");
  return { sql: ` ${parts.join(" ")}`, bindings: [limit, offset].filter((n) => n !== undefined) };
}
