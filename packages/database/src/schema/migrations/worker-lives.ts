import { double, type Index, index, integer, serial, table, text, varchar } from "../declare-table.ts";
import type { Migration } from "../migration.ts";

/** A worker is away once at a time, and paused once. */
const openAbsence: Index = {
  name: "mm_worker_absences_open",
  columns: ["workerid", "kind"],
  unique: true,
  where: "ended_at is null",
};

/** What Buildbot's schema does not say about a worker, and when and why workers took no builds. */
export const workerLives: Migration = {
  name: "lives of workers",
  kind: "expand",
  tables: [
    // One row for each worker that an engine of ours has in its config.
    table("mm_worker_lives", {
      workerid: integer.primary().references("workers.id"),
      // From the config. Null: an absence is never reported.
      missing_timeout_s: double.nullable(),
      owner: text.nullable(),
      config_note: text.nullable(),
      // From a user; null: the config's note is shown.
      note: text.nullable(),
      note_by: text.nullable(),
      note_at: double.nullable(),
      paused_by: text.nullable(),
      paused_at: double.nullable(),
      // Builds in a row that the worker lost or could not run, with the cause of the last one.
      failures: integer.default("0"),
      failure_kind: varchar(16).nullable(),
      last_failure: text.nullable(),
      // Why it would be quarantined if another worker could take its builds.
      suspicion: text.nullable(),
      quarantined_at: double.nullable(),
      quarantine_reason: text.nullable(),
      // From when on one build is tried on it. Null: until a user resumes it.
      probation_at: double.nullable(),
    }),
    table(
      "mm_worker_absences",
      {
        id: serial,
        workerid: integer.references("workers.id"),
        // away, paused or quarantined.
        kind: varchar(16),
        reason: varchar(32),
        detail: text.nullable(),
        // The master that had the worker. No reference: the row may outlive it.
        masterid: integer.nullable(),
        began_at: double,
        ended_at: double.nullable(),
        // When the absence was reported because it lasted longer than the worker's missing_timeout_s.
        missing_at: double.nullable(),
      },
      openAbsence,
      index("mm_worker_absences_worker", "workerid", "id"),
    ),
  ],
};
