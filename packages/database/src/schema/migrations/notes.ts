import { double, index, integer, serial, table, text, varchar } from "../declare-table.ts";
import type { Migration } from "../migration.ts";

/** What people say of a builder that fails on a branch, and of builds: comments, "I am on it", mutes. */
export const notes: Migration = {
  name: "notes on failing builders and builds",
  kind: "expand",
  tables: [
    table(
      "mm_notes",
      {
        id: serial,
        builderid: integer.references("builders.id"),
        // Of a builder and branch, or of a build.
        lineid: integer.nullable().references("mm_builder_lines.lineid"),
        buildid: integer.nullable().references("builds.id"),
        // comment, take or mute
        kind: varchar(8),
        at: double,
        // Identity, as in the audit trail, and the name that people know.
        who: varchar(255),
        name: varchar(255),
        words: text,
        // When a mute ends by itself; null: only when a build passes, or when a user ends it.
        until: double.nullable(),
        // 1: it ends when a build of the newest source passes.
        until_good: integer,
        // Of what is over.
        ended_at: double.nullable(),
        // The name of the user who ended it; null: its time was over, or a build passed.
        ended_by: varchar(255).nullable(),
      },
      index("mm_notes_of_builder", "builderid"),
      { name: "mm_notes_of_line", columns: ["lineid", "id"], unique: false, where: "lineid is not null" },
      { name: "mm_notes_of_build", columns: ["buildid", "id"], unique: false, where: "buildid is not null" },
      {
        name: "mm_open_notes",
        columns: ["lineid", "kind"],
        unique: false,
        where: "ended_at is null and kind <> 'comment'",
      },
      {
        name: "mm_notes_until",
        columns: ["until"],
        unique: false,
        where: "ended_at is null and until is not null",
      },
    ),
  ],
};
