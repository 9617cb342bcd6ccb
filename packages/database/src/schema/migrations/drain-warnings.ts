import { integer, table, text } from "../declare-table.ts";
import type { Migration } from "../migration.ts";

/** What a drain leaves to no one: beside its row in mm_orders, only where no other master could take it. */
export const drainWarnings: Migration = {
  name: "warnings of drains",
  kind: "expand",
  tables: [
    table("mm_drain_warnings", {
      orderid: integer.primary().references("mm_orders.id"),
      // As it was when the drain was asked for, and again when it had ended.
      warning: text,
      // Since the end of the drain.
      requests_stranded: integer.nullable(),
      singletons_stranded: integer.nullable(),
    }),
  ],
};
