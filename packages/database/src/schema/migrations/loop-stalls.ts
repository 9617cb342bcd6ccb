import { double, index, integer, serial, table, text } from "../declare-table.ts";
import type { Migration } from "../migration.ts";

/** When a master's event loop stood still, and what did it: written from outside the loop, while it lasts. */
export const loopStalls: Migration = {
  name: "stalls of event loops",
  kind: "expand",
  tables: [
    table(
      "mm_loop_stalls",
      {
        id: serial,
        masterid: integer.references("masters.id"),
        epoch: integer,
        // JSON: the steps whose code was running, each with builder, step and buildid; usually one.
        steps: text,
        began_at: double,
        // Null while it lasts.
        ended_at: double.nullable(),
      },
      index("mm_loop_stalls_master", "masterid", "began_at"),
    ),
  ],
};
