import { double, index, integer, serial, table, text, varchar } from "../declare-table.ts";
import type { Migration } from "../migration.ts";

/** Files that builds leave, and caches: what is in the artifact store. */
export const artifacts: Migration = {
  name: "artifacts and caches of builds",
  kind: "expand",
  tables: [
    table(
      "mm_artifacts",
      {
        artifactid: serial,
        // No references: a row stays until its object is removed, whatever becomes of its build.
        buildid: integer,
        builderid: integer,
        stepid: integer,
        // The master that writes it.
        masterid: integer,
        // What is uploaded together is complete together.
        uploadid: varchar(36),
        name: varchar(500),
        object_key: varchar(100),
        // Of a build of a fork's code.
        from_fork: integer,
        // Null: not known yet, since it is being written.
        size: double.nullable(),
        sha256: varchar(64).nullable(),
        // uploading, complete or removing. Only what is complete is ever seen.
        state: varchar(10),
        created_at: double,
        // Of a cache: whose it is, its key (the name), and when it was last used. Null: an artifact.
        cache_scope: varchar(200).nullable(),
        used_at: double.nullable(),
        // Since when a master is removing its object.
        removing_at: double.nullable(),
        // Why it is removed.
        reason: text.nullable(),
      },
      { name: "mm_artifacts_object", columns: ["object_key"], unique: true },
      index("mm_artifacts_name", "buildid", "name"),
      index("mm_artifacts_upload", "uploadid"),
      index("mm_artifacts_step", "stepid"),
      index("mm_artifacts_builder", "builderid", "buildid"),
      { name: "mm_artifacts_unsettled", columns: ["artifactid"], unique: false, where: "state <> 'complete'" },
      { name: "mm_artifacts_cache", columns: ["cache_scope", "name"], unique: false, where: "cache_scope is not null" },
    ),
  ],
};
