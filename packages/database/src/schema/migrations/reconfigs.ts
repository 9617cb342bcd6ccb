import { integer, table, text, varchar } from "../declare-table.ts";
import type { Migration } from "../migration.ts";

/** New configs of running masters: beside the row of the order in mm_orders, what it was to do and what it changed. */
export const reconfigs: Migration = {
  name: "new configs of running masters",
  kind: "expand",
  tables: [
    table("mm_reconfigs", {
      orderid: integer.primary().references("mm_orders.id"),
      // 1: what would change is only to be shown.
      dry_run: integer,
      // As JSON, when it has ended.
      changes: text.nullable(),
      hash_before: varchar(64).nullable(),
      hash_after: varchar(64).nullable(),
    }),
  ],
  // The incarnation of the master that wrote the row. Masters of earlier releases write none: they would take the order of a
  // new config for that of a drain.
  statements: () => ["alter table mm_master_configs add column epoch integer"],
};
