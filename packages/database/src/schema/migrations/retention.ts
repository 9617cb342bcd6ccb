import { double, integer, serial, table, text, unique, varchar } from "../declare-table.ts";
import type { Migration } from "../migration.ts";
import { on } from "../own.ts";

/** Tables of which retention deletes many rows. */
const shrinking = [
  "logchunks",
  "logs",
  "steps",
  "builds",
  "build_properties",
  "buildrequests",
  "buildrequest_claims",
  "buildsets",
  "buildset_properties",
  "buildset_sourcestamps",
  "test_results",
];

/** What is kept, what was deleted, and how far the job of retention got. */
export const retention: Migration = {
  name: "retention",
  kind: "expand",
  tables: [
    // A build with a row here is not deleted, nor are its logs.
    table("mm_kept_builds", {
      buildid: integer.primary().references("builds.id"),
      who: varchar(255),
      name: varchar(255),
      reason: text.nullable(),
      at: double,
    }),
    // Numbers of builds that retention deleted, as ranges: they are gaps for which there is a reason.
    table("mm_retired_builds", {
      builderid: integer.primary().references("builders.id"),
      first_number: integer.primary(),
      last_number: integer,
    }),
    // Work of the cluster that one master does at a time.
    table("mm_jobs", { id: serial, name: varchar(64) }, unique("mm_jobs_name", "name")),
    table("mm_job_claims", {
      jobid: integer.primary().references("mm_jobs.id"),
      masterid: integer.references("masters.id"),
    }),
    table("mm_retention_runs", {
      id: serial,
      // The master that did the last of it. No reference: the report outlives the master.
      masterid: integer,
      started_at: double,
      // Null: it goes on, on whichever master has the job.
      ended_at: double.nullable(),
      // JSON: where a master that takes over goes on.
      position: text.nullable(),
      // JSON: what was deleted, by rule and builder.
      report: text,
    }),
  ],
  // By default a table is vacuumed when a fifth of it is dead: of a history of years, that is more than is deleted in months.
  statements: ({ name }) =>
    name === "postgresql"
      ? shrinking.map(
          (shrinks) =>
            `alter table ${shrinks} set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000)`,
        )
      : [],
};

/** Deleting a patch asks which source stamps have it. */
export const patchIndex: Migration = {
  name: "index for patches of source stamps",
  kind: "expand",
  indexes: [on("sourcestamps", "mm_sourcestamps_of_patch", ["patchid"], "patchid is not null")],
};
