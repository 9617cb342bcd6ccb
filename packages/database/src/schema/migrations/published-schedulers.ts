import { double, integer, smallint, table, text, varchar } from "../declare-table.ts";
import type { Migration } from "../migration.ts";

/** What each scheduler publishes of itself, for the masters that do not load it. */
export const publishedSchedulersTable: Migration = {
  name: "what schedulers publish",
  kind: "expand",
  tables: [
    table("mm_published_schedulers", {
      schedulerid: integer.primary().references("schedulers.id"),
      // What makes it build.
      kind: varchar(16),
      // When it builds next, if it knows that; the timers of waiting changes are computed from their rows.
      next_at: double.nullable(),
      // JSON: the form of a force scheduler, and what a triggerable one builds.
      form: text.nullable(),
      triggerable: text.nullable(),
      // The tree-stable timer; null: changes do not wait for others.
      timer_seconds: double.nullable(),
      timer_most_seconds: double.nullable(),
      timer_per_branch: smallint.nullable(),
    }),
  ],
};
