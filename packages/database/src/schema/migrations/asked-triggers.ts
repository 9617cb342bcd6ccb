import { double, index, integer, serial, smallint, table, text, unique, varchar } from "../declare-table.ts";
import type { Migration } from "../migration.ts";

/** Triggers whose scheduler itself decides what to build, since it chooses by functions or waits for a time. */
export const askedTriggers: Migration = {
  name: "triggers that a scheduler decides",
  kind: "expand",
  tables: [
    table(
      "mm_asked_triggers",
      {
        id: serial,
        schedulerid: integer.references("schedulers.id"),
        // The latest build that asked, and its request. No references: the row may outlive them.
        buildid: integer,
        buildrequestid: integer,
        // As in mm_triggered_buildsets: the same text and hash in each attempt at the request.
        slot: varchar(255),
        fingerprint: varchar(40),
        waited_for: smallint,
        relationship: text,
        // JSON: ids of the source stamps, and properties.
        asked: text,
        asked_at: double,
        // Null: not decided. "built", "superseded" by a later one, "gone" with its build, or "refused".
        outcome: varchar(16).nullable(),
        buildsetid: integer.nullable(),
        // Why it was refused.
        refusal: text.nullable(),
      },
      unique("mm_asked_triggers_slot", "buildrequestid", "slot", "fingerprint"),
      index("mm_asked_triggers_scheduler", "schedulerid"),
    ),
  ],
};
