import type { Connection, Row } from "./connection.ts";
import { type Dialect, type Fragment, queryRows } from "./dialect.ts";
import { neverNull } from "./nullability.ts";

export type Comparison = "eq" | "ne" | "lt" | "le" | "gt" | "ge";

/** A value a column can be compared with; booleans become 0 and 1, as Buildbot stores them. */
export type Comparable = number | string | boolean;

/** One condition; all conditions of a select must hold. `column` is a name from `columns`, or any SQL expression. */
export type Condition =
  | { column: string; op: Comparison; value: Comparable | null }
  | { column: string; op: "in" | "notin"; value: readonly Comparable[] }
  | { column: string; op: "contains"; value: string }
  | { column: string; op: "isNull" | "notNull" }
  | { raw: string; bindings?: readonly unknown[] };

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
  where?: readonly Condition[];
  order?: readonly Order[];
  limit?: number;
  offset?: number;
}

/** Rows of a list query, everything done by the database. Nulls come first in ascending order and last in descending. */
export async function selectRows<R extends object = Row>(connection: Connection, select: Select): Promise<R[]> {
  const columns = Object.entries(select.columns).map(([name, expression]) => `${expression} as ${quote(name)}`);
  const where = whereClause(connection.dialect, select);
  const range = rangeClause(connection.dialect, select);
  const sql = `select ${columns.join(", ")} from ${select.from}${where.sql}${orderClause(connection.dialect, select)}${range.sql}`;
  return queryRows<R>(connection, sql, [...where.bindings, ...range.bindings]);
}

/** How many rows there are without `limit` and `offset`; beyond `upTo` nobody counts on. */
export async function countRows(
  connection: Connection,
  select: Omit<Select, "order" | "limit" | "offset">,
  upTo: number,
): Promise<number> {
  const where = whereClause(connection.dialect, select);
  const rows = await queryRows<{ n: number }>(
    connection,
    `select count(*) as n from (select 1 from ${select.from}${where.sql} limit ${upTo}) counted`,
    where.bindings,
  );
  return rows[0]?.n ?? 0;
}

function whereClause(dialect: Dialect, { where = [], columns }: Pick<Select, "where" | "columns">): Fragment {
  if (where.length === 0) return { sql: "", bindings: [] };
  const parts = where.map((condition) => conditionSql(dialect, condition, columns));
  return {
    sql: ` where ${parts.map((part) => part.sql).join(" and ")}`,
    bindings: parts.flatMap((part) => part.bindings),
  };
}

const operators: Record<Comparison, string> = { eq: "=", ne: "<>", lt: "<", le: "<=", gt: ">", ge: ">=" };

function conditionSql(dialect: Dialect, condition: Condition, columns: Select["columns"]): Fragment {
  if ("raw" in condition) return { sql: `(${condition.raw})`, bindings: condition.bindings ?? [] };
  const expression = columns[condition.column] ?? condition.column;
  switch (condition.op) {
    case "isNull":
      return { sql: `${expression} is null`, bindings: [] };
    case "notNull":
      return { sql: `${expression} is not null`, bindings: [] };
    case "in":
      return dialect.isOneOf(expression, condition.value.map(toStored));
    case "notin": {
      const inside = dialect.isOneOf(expression, condition.value.map(toStored));
      // A null is none of the listed values, though SQL would answer "unknown".
      return { sql: `(${expression} is null or not (${inside.sql}))`, bindings: inside.bindings };
    }
    case "contains":
      return dialect.contains(expression, condition.value);
    default:
      return comparisonSql(expression, condition.op, condition.value);
  }
}

function comparisonSql(expression: string, op: Comparison, value: Comparable | null): Fragment {
  if (value === null) {
    if (op === "eq") return { sql: `${expression} is null`, bindings: [] };
    if (op === "ne") return { sql: `${expression} is not null`, bindings: [] };
    return { sql: "1 = 0", bindings: [] };
  }
  const compared = { sql: `${expression} ${operators[op]} ?`, bindings: [toStored(value)] };
  return op === "ne" ? { ...compared, sql: `(${expression} is null or ${compared.sql})` } : compared;
}

function toStored(value: Comparable): number | string {
  return typeof value === "boolean" ? Number(value) : value;
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

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
