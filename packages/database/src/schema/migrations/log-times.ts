import { integer, table } from "../declare-table.ts";
import type { Migration } from "../migration.ts";

/** When the lines of logs were printed. */
export const logTimes: Migration = {
  name: "times of the lines of logs",
  kind: "expand",
  tables: [
    // The lines from this one on, up to the next row, were printed from this time on. Few rows: see the engine's line clock.
    table("mm_log_times", {
      logid: integer.primary().references("logs.id"),
      first_line: integer.primary(),
      // Seconds since the epoch.
      at: integer,
    }),
  ],
};
