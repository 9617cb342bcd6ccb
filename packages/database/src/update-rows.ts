import type { Connection } from "./connection.ts";
import type { Dialect } from "./dialect/dialect.ts";
import { queryRows } from "./dialect.ts";
import { together } from "./together.ts";

/** An update of single rows, each with values of its own. */
export interface RowUpdate<Item> {
  /** The names and types of the values; the first is the id of the row. */
  readonly columns: Readonly<Record<string, "integer" | "text">>;
  /** The values of an item, in that order. */
  valuesOf(item: Item): readonly [id: number, ...values: (number | string | null)[]];
  /** The statement; it reads the values from `v`. */
  update(dialect: Dialect): string;
}

/** Updates rows, those of one turn in one statement; resolves to whether the row of the item was changed. */
export function updateRows<Item>({ columns, valuesOf, update }: RowUpdate<Item>) {
  return together(
    async (tx: Connection, items: readonly Item[]): Promise<boolean[]> => {
      const given = tx.dialect.rowsOf(Object.values(columns), items.map(valuesOf));
      const rows = await queryRows<{ id: number }>(
        tx,
        `with v(${Object.keys(columns).join(", ")}) as (${given.sql}) ${update(tx.dialect)} returning id`,
        given.bindings,
      );
      const changed = new Set(rows.map(({ id }) => id));
      return items.map((item) => changed.has(valuesOf(item)[0]));
    },
    (item) => valuesOf(item)[0],
  );
}
