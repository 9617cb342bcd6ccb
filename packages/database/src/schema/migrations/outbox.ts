import { double, index, integer, serial, table, text, varchar } from "../declare-table.ts";
import type { Migration } from "../migration.ts";

/**
 * What began and ended in the cluster, each row written in the transaction of what it says: what a reporter reads. Old
 * rows are deleted (`pruneOutbox`), so the table stays small. Ids commit out of order: a reader must not take the
 * highest id it has seen for a cursor.
 */
export const outbox: Migration = {
  name: "outbox of transitions",
  kind: "expand",
  tables: [
    table(
      "mm_outbox",
      {
        id: serial,
        at: double,
        kind: varchar(20),
        // Of the build, build request, buildset or worker. No reference: a row may outlive its object.
        objectid: integer,
        // JSON: results, and the ids of what the object belongs to.
        facts: text,
      },
      index("mm_outbox_at", "at"),
    ),
  ],
};
