import { index, integer, serial, smallint, type Table, table, text, unique, varchar } from "../declare-table.ts";

/** Masters, objects, projects, codebases, builders and workers, as in Buildbot 4.3.0. */
export const clusterTables: readonly Table[] = [
  // Cluster
  table("alembic_version", {
    version_num: varchar(32).primary(),
  }),
  table(
    "masters",
    {
      id: serial,
      name: text,
      name_hash: varchar(40),
      active: integer,
      last_active: integer,
    },
    unique("master_name_hashes", "name_hash"),
  ),
  table(
    "objects",
    {
      id: serial,
      name: varchar(128),
      class_name: varchar(128),
    },
    unique("object_identity", "name", "class_name"),
  ),
  table(
    "object_state",
    {
      objectid: integer.references("objects.id"),
      name: varchar(255),
      value_json: text,
    },
    unique("name_per_object", "objectid", "name"),
  ),
  // Builders, projects, codebases
  table(
    "projects",
    {
      id: serial,
      name: text,
      name_hash: varchar(40),
      slug: varchar(50),
      description: text.nullable(),
      description_format: text.nullable(),
      description_html: text.nullable(),
    },
    unique("projects_name_hash", "name_hash"),
  ),
  table(
    "codebases",
    {
      id: serial,
      projectid: integer.references("projects.id"),
      name: text,
      name_hash: varchar(40),
      slug: varchar(50),
    },
    unique("codebases_projects_name_hash", "projectid", "name_hash"),
  ),
  table(
    "codebase_branches",
    {
      id: serial,
      codebaseid: integer.references("codebases.id"),
      name: varchar(255),
      name_hash: varchar(40),
      commitid: integer.nullable().references("codebase_commits.id", "set null"),
      last_timestamp: integer,
    },
    unique("codebase_branches_unique", "codebaseid", "name_hash"),
  ),
  table(
    "codebase_commits",
    {
      id: serial,
      codebaseid: integer.references("codebases.id"),
      author: varchar(255),
      committer: varchar(255).nullable(),
      comments: text,
      when_timestamp: integer,
      revision: varchar(70),
      parent_commitid: integer.nullable().references("codebase_commits.id", "set null"),
    },
    unique("codebase_commits_unique", "codebaseid", "revision"),
  ),
  table(
    "builders",
    {
      id: serial,
      name: text,
      description: text.nullable(),
      description_format: text.nullable(),
      description_html: text.nullable(),
      projectid: integer.nullable().references("projects.id", "set null"),
      name_hash: varchar(40),
    },
    unique("builder_name_hash", "name_hash"),
    index("builders_projectid", "projectid"),
  ),
  table(
    "builder_masters",
    {
      id: serial,
      builderid: integer.references("builders.id"),
      masterid: integer.references("masters.id"),
    },
    index("builder_masters_builderid", "builderid"),
    unique("builder_masters_identity", "builderid", "masterid"),
    index("builder_masters_masterid", "masterid"),
  ),
  table(
    "tags",
    {
      id: serial,
      name: text,
      name_hash: varchar(40),
    },
    unique("tag_name_hash", "name_hash"),
  ),
  table(
    "builders_tags",
    {
      id: serial,
      builderid: integer.references("builders.id"),
      tagid: integer.references("tags.id"),
    },
    index("builders_tags_builderid", "builderid"),
    unique("builders_tags_unique", "builderid", "tagid"),
  ),
  // Workers
  table(
    "workers",
    {
      id: serial,
      name: varchar(50),
      info: text,
      paused: smallint.default("'0'"),
      pause_reason: text.nullable(),
      graceful: smallint.default("'0'"),
    },
    unique("workers_name", "name"),
  ),
  table(
    "configured_workers",
    {
      id: serial,
      buildermasterid: integer.references("builder_masters.id"),
      workerid: integer.references("workers.id"),
    },
    index("configured_workers_buildmasterid", "buildermasterid"),
    unique("configured_workers_identity", "buildermasterid", "workerid"),
    index("configured_workers_workers", "workerid"),
  ),
  table(
    "connected_workers",
    {
      id: serial,
      masterid: integer.references("masters.id"),
      workerid: integer.references("workers.id"),
    },
    unique("connected_workers_identity", "masterid", "workerid"),
    index("connected_workers_masterid", "masterid"),
    index("connected_workers_workers", "workerid"),
  ),
];
