import { index, integer, serial, table, text, unique, varchar } from "../declare-table.ts";
import type { Migration } from "../migration.ts";

/** What a step builds item by item. */
export const triggerItems: Migration = {
  name: "items that a step of a build triggers",
  kind: "expand",
  tables: [
    table(
      "mm_trigger_items",
      {
        itemid: serial,
        buildid: integer.references("builds.id"),
        // No reference: steps go with their build.
        stepid: integer,
        // Its place in the step's list, from 1.
        number: integer,
        name: varchar(200),
        // JSON: names of items that must succeed first, not all of very many.
        waits_for: text,
        // JSON: ids of its build requests. Null: it has not begun.
        requests: text.nullable(),
        // Null: it has not ended.
        results: integer.nullable(),
        // Why it was not built, or what failed.
        note: text.nullable(),
      },
      unique("mm_trigger_items_step", "stepid", "number"),
      index("mm_trigger_items_build", "buildid"),
    ),
  ],
};
