import { double, integer, table, text, varchar } from "../declare-table.ts";
import type { Migration } from "../migration.ts";

/** Services of each master that fail again and again, written by the master itself. */
export const serviceFailures: Migration = {
  name: "services that fail",
  kind: "expand",
  tables: [
    table("mm_service_failures", {
      masterid: integer.primary(),
      service: varchar(120).primary(),
      // Rows of an earlier incarnation count for nothing.
      epoch: integer,
      since: double,
      cause: text,
    }),
  ],
};
