import { double, type Index, index, integer, type Table, table, text, varchar } from "./declare-table.ts";

/**
 * What Buildbot's schema lacks, as the first release had it. Prefix `mm_`, so that neither program ever trips over the
 * other's tables. Changes are migrations of their own.
 */
export const firstTables: readonly Table[] = [
  // One row per master that ever ran this program: what it is, and until when no other may evict it.
  table("mm_leases", {
    masterid: integer.primary().references("masters.id"),
    epoch: integer,
    instance: varchar(40),
    roles: text,
    builder_sets: text,
    state: varchar(16),
    host: text,
    pid: integer,
    release: text,
    data_version: integer,
    lease_s: double,
    joined_at: double,
    renewed_at: double,
    // Since when renewals have come without a gap: one that has just been cut off itself may not evict others.
    steady_since: double,
    expires_at: double,
    buried_at: double.nullable(),
    ended_at: double.nullable(),
  }),
  // A scheduler has classified every change up to `floor`, and beyond it at those in mm_scheduler_seen: ids commit out of order.
  table("mm_scheduler_cursors", {
    schedulerid: integer.primary().references("schedulers.id"),
    floor: integer,
  }),
  table("mm_scheduler_seen", {
    schedulerid: integer.primary().references("schedulers.id"),
    changeid: integer.primary(),
    seen_at: double,
  }),
  // What the force form of a scheduler looks like, for ui masters that do not load the schedulers.
  table("mm_force_schedulers", {
    schedulerid: integer.primary().references("schedulers.id"),
    spec: text,
  }),
  // Which master a worker is attached to: the primary key is the claim.
  table(
    "mm_worker_attachments",
    {
      workerid: integer.primary().references("workers.id"),
      masterid: integer.references("masters.id"),
      epoch: integer,
      attached_at: double,
      contested_at: double.nullable(),
    },
    index("mm_worker_attachments_master", "masterid"),
  ),
  // Commands sent to workers and not known to have ended; they outlive their master, to be interrupted by the next one.
  table(
    "mm_commands",
    {
      command_id: varchar(64).primary(),
      workerid: integer.references("workers.id"),
      masterid: integer,
      epoch: integer,
      buildid: integer.nullable(),
      stepid: integer.nullable(),
      name: varchar(64),
      sent_at: double,
    },
    index("mm_commands_worker", "workerid"),
  ),
  table("mm_stop_requests", {
    buildid: integer.primary().references("builds.id"),
    reason: text,
    results: integer,
    requested_at: double,
  }),
  table("mm_cancellations", {
    buildrequestid: integer.primary().references("buildrequests.id"),
    reason: text,
    requested_at: double,
  }),
  // Deliveries of webhooks already accepted: a forge that sends one again gets the same change.
  table(
    "mm_change_deliveries",
    {
      delivery: varchar(128).primary(),
      changeid: integer.references("changes.changeid"),
      received_at: double,
    },
    index("mm_change_deliveries_change", "changeid"),
  ),
];

/** Which of our migrations a database has had: see ledger.ts. */
export const ledgerTable: Table = table("mm_migrations", {
  id: integer.primary(),
  name: text,
  applied_at: double,
});

/** An index of ours on one of Buildbot's tables. */
export interface ExtraIndex extends Index {
  table: string;
}

/** An index of ours on a table of Buildbot. */
export const on = (tableName: string, name: string, columns: string[], where?: string): ExtraIndex => ({
  table: tableName,
  name,
  columns,
  unique: false,
  ...(where === undefined ? {} : { where }),
});

/** What list queries, claims and evictions need at ten million builds and Buildbot's own indexes do not serve. */
export const extraIndexes: readonly ExtraIndex[] = [
  on("buildrequests", "mm_pending_requests", ["builderid", "priority desc", "submitted_at", "id"], "complete = 0"),
  on("buildrequests", "mm_requests_of_builder", ["builderid", "id"]),
  on("builds", "mm_running_builds", ["masterid", "id"], "complete_at is null"),
  on("builds", "mm_builds_started", ["started_at", "id"]),
  on("builds", "mm_builds_completed", ["complete_at nulls first", "id"]),
  on("builds", "mm_builds_of_builder", ["builderid", "id"]),
  on("builds", "mm_builds_of_worker", ["workerid", "id"]),
  on("buildsets", "mm_buildsets_of_parent", ["parent_buildid"], "parent_buildid is not null"),
  on("buildsets", "mm_buildsets_rebuilt", ["rebuilt_buildid"], "rebuilt_buildid is not null"),
  on("buildset_sourcestamps", "mm_buildsets_of_sourcestamp", ["sourcestampid"]),
  on("changes", "mm_changes_of_parent", ["parent_changeids"], "parent_changeids is not null"),
  on("test_result_sets", "mm_test_result_sets_of_build", ["buildid"]),
  on("test_result_sets", "mm_test_result_sets_of_step", ["stepid"]),
  on("test_results", "mm_test_results_of_set", ["test_result_setid"]),
];

/** Those that wait, in the order of their ids, beside ten million that are complete. */
export const openRequests: ExtraIndex = on("buildrequests", "mm_open_requests", ["id"], "complete = 0");
