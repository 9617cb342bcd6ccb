import { index, integer, serial, smallint, type Table, table, text, unique, varchar } from "../declare-table.ts";

/** Source stamps, changes, change sources and schedulers, as in Buildbot 4.3.0. */
export const sourceTables: readonly Table[] = [
  // Sources and changes
  table("patches", {
    id: serial,
    patchlevel: integer,
    patch_base64: text,
    patch_author: text,
    patch_comment: text,
    subdir: text.nullable(),
  }),
  table(
    "sourcestamps",
    {
      id: serial,
      ss_hash: varchar(40),
      branch: varchar(256).nullable(),
      revision: varchar(256).nullable(),
      patchid: integer.nullable().references("patches.id"),
      repository: varchar(512).default("''"),
      codebase: varchar(256).default("''"),
      project: varchar(512).default("''"),
      created_at: integer,
    },
    unique("sourcestamps_ss_hash_key", "ss_hash"),
  ),
  table(
    "changes",
    {
      changeid: serial,
      author: varchar(255),
      committer: varchar(255).nullable(),
      comments: text,
      branch: varchar(255).nullable(),
      revision: varchar(255).nullable(),
      revlink: varchar(256).nullable(),
      when_timestamp: integer,
      category: varchar(255).nullable(),
      repository: varchar(512).default("''"),
      codebase: varchar(256).default("''"),
      project: varchar(512).default("''"),
      sourcestampid: integer.references("sourcestamps.id"),
      parent_changeids: integer.nullable().references("changes.changeid", "set null"),
    },
    index("changes_author", "author"),
    index("changes_branch", "branch"),
    index("changes_category", "category"),
    index("changes_revision", "revision"),
    index("changes_sourcestampid", "sourcestampid"),
    index("changes_when_timestamp", "when_timestamp"),
  ),
  table(
    "change_files",
    {
      changeid: integer.references("changes.changeid"),
      filename: varchar(1024),
    },
    index("change_files_changeid", "changeid"),
  ),
  table(
    "change_properties",
    {
      changeid: integer.references("changes.changeid"),
      property_name: varchar(256),
      property_value: text,
    },
    index("change_properties_changeid", "changeid"),
  ),
  table(
    "change_users",
    {
      changeid: integer.references("changes.changeid"),
      uid: integer.references("users.uid"),
    },
    index("change_users_changeid", "changeid"),
  ),
  table(
    "changesources",
    {
      id: serial,
      name: text,
      name_hash: varchar(40),
    },
    unique("changesource_name_hash", "name_hash"),
  ),
  table("changesource_masters", {
    changesourceid: integer.primary().references("changesources.id"),
    masterid: integer.references("masters.id"),
  }),
  // Schedulers
  table(
    "schedulers",
    {
      id: serial,
      name: text,
      name_hash: varchar(40),
      enabled: smallint.nullable().default("'1'"),
    },
    unique("scheduler_name_hash", "name_hash"),
  ),
  table("scheduler_masters", {
    schedulerid: integer.primary().references("schedulers.id"),
    masterid: integer.references("masters.id"),
  }),
  table(
    "scheduler_changes",
    {
      schedulerid: integer.references("schedulers.id"),
      changeid: integer.references("changes.changeid"),
      important: integer.nullable(),
    },
    index("scheduler_changes_changeid", "changeid"),
    index("scheduler_changes_schedulerid", "schedulerid"),
    unique("scheduler_changes_unique", "schedulerid", "changeid"),
  ),
];
