import { double, integer, table } from "../declare-table.ts";
import type { Migration } from "../migration.ts";

/** The longest time that changes wait for a stable tree, for explanations why something waits. */
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
