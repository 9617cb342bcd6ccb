import { double, index, integer, table, varchar } from "../declare-table.ts";
import type { Migration } from "../migration.ts";

/** What reporters are to know beside the ends of builds: requests that wait, steps, and configs. */
export const reportEventsTables: Migration = {
  name: "waits, steps and configs that are reported",
  kind: "expand",
  tables: [
    // Builders of which a request has waited so long: reported once, until none of them waits so long any more.
    table("mm_long_waits", {
      builderid: integer.primary().references("builders.id"),
      after_s: integer.primary(),
      // The oldest one at that time.
      buildrequestid: integer,
      noted_at: double,
    }),
    // The hash of the config's files with which each master started last.
    table("mm_master_configs", {
      masterid: integer.primary().references("masters.id"),
      hash: varchar(64),
      started_at: double,
    }),
    // Builds that a reporter has shown at a target, where users may ask to run them again.
    table(
      "mm_reported_builds",
      {
        // The hash of what the target calls it, such as the repository and commit.
        target: varchar(40).primary(),
        // No reference: retention deletes builds.
        buildid: integer.primary(),
        reporterid: integer.primary().references("mm_reporters.id"),
        at: double,
      },
      index("mm_reported_builds_at", "at"),
    ),
  ],
  // Of the kinds of steps: the names that the reporter wants, as JSON; null: all.
  statements: () => ["alter table mm_reporter_kinds add column names text"],
};
