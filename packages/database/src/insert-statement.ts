import type { Fragment } from "./dialect/dialect.ts";
import { quote } from "./quote.ts";
import { type Row, SqlExpression } from "./sql.ts";

/** Such as `insert into "t" ("a", "b") values (?, ?), (?, ?)`. All rows have the columns of the first. */
export function writeInsert(table: string, rows: readonly Row[]): Fragment {
  const columns = Object.keys(rows[0] ?? {});
  const bindings: unknown[] = [];
  const tuples = rows.map((row) => {
    if (Object.keys(row).length !== columns.length) throw new Error(`Rows for ${table} differ in their columns.`);
    const values = columns.map((column) => writeValue(row[column], bindings));
    return `(${values.join(", ")})`;
  });
  return { sql: `insert into ${quote(table)} (${quoteAll(columns)}) values ${tuples.join(", ")}`, bindings };
}

/** Names as a list. */
export function quoteAll(names: readonly string[]): string {
  return names.map(quote).join(", ");
}

function writeValue(value: unknown, bindings: unknown[]): string {
  if (value instanceof SqlExpression) return value.text;
  bindings.push(value);
  return "?";
}
