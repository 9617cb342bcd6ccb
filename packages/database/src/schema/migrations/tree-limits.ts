import { double, integer, table } from "../declare-table.ts";
import type { Migration } from "../migration.ts";

/** The longest that changes wait for a quiet time, for whoever explains why something waits. */
export const treeLimits: Migration = {
  name: "longest waits of tree-stable timers",
  kind: "expand",
  tables: [
    // No row: without a limit.
    table("mm_tree_limits", {
      schedulerid: integer.primary().references("schedulers.id"),
      seconds: double,
    }),
  ],
};
