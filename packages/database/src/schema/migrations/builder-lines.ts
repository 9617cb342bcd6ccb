import { double, index, integer, serial, table, text, unique, varchar } from "../declare-table.ts";
import type { Migration } from "../migration.ts";

/** Builds in the order of their sources: which builder fails on which branch (docs/decisions/failing-by-source.md). */
export const builderLines: Migration = {
  name: "builds in the order of their sources",
  kind: "expand",
  tables: [
    // One row for each builder and set of branches, one branch for each codebase. Who writes a build of it holds the row.
    table(
      "mm_builder_lines",
      {
        lineid: serial,
        builderid: integer.references("builders.id"),
        line_hash: varchar(40),
        // The branch, if all codebases have the same one; null: they differ, or it is the default branch.
        branch: varchar(256).nullable(),
        // For people: "main", or "app: main, lib: stable".
        source: text,
        // 1: a main branch, such as main or release/2.
        watched: integer,
        // 1: the build of the newest source failed. The rest is of that, and stale otherwise.
        failing: integer,
        last_good_buildid: integer.nullable(),
        first_bad_buildid: integer.nullable(),
        newest_buildid: integer.nullable(),
        bad_count: integer,
        // When the first bad build ended.
        failing_since: integer,
      },
      unique("mm_builder_lines_hash", "builderid", "line_hash"),
      { name: "mm_failing_lines", columns: ["failing_since"], unique: false, where: "failing = 1" },
      {
        name: "mm_failing_watched",
        columns: ["failing_since"],
        unique: false,
        where: "failing = 1 and watched = 1",
      },
      { name: "mm_failing_lines_of_builder", columns: ["builderid"], unique: false, where: "failing = 1" },
    ),
    // Builds that passed or failed, by the place of their source: later sources have higher ones.
    table(
      "mm_line_builds",
      {
        buildid: integer.primary().references("builds.id"),
        lineid: integer.references("mm_builder_lines.lineid"),
        position: double,
        good: integer,
      },
      index("mm_line_builds_position", "lineid", "position", "buildid"),
      { name: "mm_line_builds_good", columns: ["lineid", "position", "buildid"], unique: false, where: "good = 1" },
    ),
    // How far builds were read that ended before this table came, or on a master that does not know it.
    table("mm_line_history", {
      id: integer.primary(),
      // Every build from this one on was read; 0: all were.
      below: integer,
      // Every build that completed before was read.
      checked_at: double,
    }),
  ],
  statements: ({ now }) => [
    `insert into mm_line_history (id, below, checked_at) select 1, coalesce(max(id), 0) + 1, ${now} from builds`,
  ],
};
