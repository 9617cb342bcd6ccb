import { double, index, integer, table, text, varchar } from "../declare-table.ts";
import type { Migration } from "../migration.ts";

/** Builds that can go on after the death of their engine (docs/decisions/builds-survive-their-engine.md). */
export const adoptableBuilds: Migration = {
  name: "builds that survive their engine",
  kind: "expand",
  tables: [
    // A command with which its build can be resumed.
    table("mm_command_resume_points", {
      command_id: varchar(64).primary().references("mm_commands.command_id"),
      // How long the build waits for an engine if its own dies.
      adopt_within_ms: integer,
      // JSON: what an engine needs to know beside the rows of the build.
      point: text,
    }),
    // Builds that wait for an engine: their own was evicted. They and their claims still name that master.
    table(
      "mm_adoptable_builds",
      {
        buildid: integer.primary().references("builds.id"),
        buildrequestid: integer.references("buildrequests.id"),
        masterid: integer.references("masters.id"),
        command_id: varchar(64),
        adopt_until: double,
      },
      index("mm_adoptable_builds_request", "buildrequestid"),
    ),
  ],
};
