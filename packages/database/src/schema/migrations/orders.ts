import { double, index, integer, serial, table, text, varchar } from "../declare-table.ts";
import type { Migration } from "../migration.ts";

/**
 * A request to a master, and its progress: the row of a drain is its order, its progress and its
 * report. `role` is null when the whole master is meant.
 */
export const orders: Migration = {
  name: "orders to masters",
  kind: "expand",
  tables: [
    table(
      "mm_orders",
      {
        id: serial,
        masterid: integer.references("masters.id"),
        // Of the life of the master that was meant: a later one starts afresh.
        epoch: integer,
        kind: varchar(8),
        role: varchar(32).nullable(),
        builder_sets: text.nullable(),
        reason: text,
        ordered_by: text,
        ordered_at: double,
        // From then on, running builds are released.
        deadline_at: double.nullable(),
        undone_at: double.nullable(),
        began_at: double.nullable(),
        ended_at: double.nullable(),
        outcome: varchar(8).nullable(),
        // Why it failed, in a sentence.
        detail: text.nullable(),
        requests_pending: integer.nullable(),
        requests_running: integer.nullable(),
        requests_finished: integer.nullable(),
        requests_retried: integer.nullable(),
        requests_lost: integer.nullable(),
        builds_left: integer.nullable(),
        workers_before: integer.nullable(),
        workers_left: integer.nullable(),
        singletons_before: integer.nullable(),
        singletons_left: integer.nullable(),
      },
      index("mm_orders_master", "masterid", "epoch"),
    ),
  ],
};
