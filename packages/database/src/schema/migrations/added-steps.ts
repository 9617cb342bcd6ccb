import { index, integer, table, text, varchar } from "../declare-table.ts";
import type { Migration } from "../migration.ts";

/** Steps that no config names: another step of their build has added them. */
export const addedSteps: Migration = {
  name: "steps that were added while their build ran",
  kind: "expand",
  tables: [
    table(
      "mm_added_steps",
      {
        stepid: integer.primary().references("steps.id"),
        // The step that added it.
        added_by: integer.references("steps.id"),
        // Counts the additions of that step, so that a repeated call finds what it has added.
        batch: integer,
        // "next", "end", "together" or "announced".
        kind: varchar(16),
        // JSON: the step and its options, as far as they may be shown.
        addition: text,
      },
      index("mm_added_steps_by", "added_by", "batch"),
    ),
  ],
};
