import { integer, table, text } from "../declare-table.ts";
import type { Migration } from "../migration.ts";

/** What may be tried: published for the UI masters, which do not load the schedulers. */
export const trySchedulersTable: Migration = {
  name: "schedulers of tries",
  kind: "expand",
  tables: [
    // A table of its own: masters of an earlier release read every form as one of a force scheduler.
    table("mm_try_schedulers", {
      schedulerid: integer.primary().references("schedulers.id"),
      spec: text,
    }),
  ],
};
