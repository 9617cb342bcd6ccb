import { double, index, integer, serial, smallint, table, text, unique, varchar } from "../declare-table.ts";
import type { Migration } from "../migration.ts";

/** What is reported to the outside, and to whom (docs/decisions/reports-are-rows.md). */
export const reporters: Migration = {
  name: "reporters and reports",
  kind: "expand",
  tables: [
    table(
      "mm_reporters",
      {
        id: serial,
        name: varchar(200),
        // The plugin, such as "github-status".
        type: varchar(40),
        // 0: no config names it any more.
        configured: smallint,
        // Of all attempts since the last one that succeeded: since when, and why the last one failed.
        failing_since: double.nullable(),
        problem: text.nullable(),
        // Before this time nothing is sent: the target is away, or wants it so.
        paused_until: double.nullable(),
        sent: integer.default("0"),
        last_sent_at: double.nullable(),
      },
      unique("mm_reporters_name", "name"),
    ),
    // The kinds of the outbox that a reporter wants: rows of the outbox of these kinds are owed.
    table(
      "mm_reporter_kinds",
      { kind: varchar(20).primary(), reporterid: integer.primary().references("mm_reporters.id") },
      index("mm_reporter_kinds_reporter", "reporterid"),
    ),
    // Which master sends for a reporter: the primary key is the claim.
    table("mm_reporter_masters", {
      reporterid: integer.primary().references("mm_reporters.id"),
      masterid: integer.references("masters.id"),
    }),
    table(
      "mm_reports",
      {
        id: serial,
        reporterid: integer.references("mm_reporters.id"),
        // The row of the outbox. No reference: that one is deleted earlier.
        outboxid: integer,
        kind: varchar(20),
        objectid: integer,
        facts: text,
        happened_at: double,
        // Reports with the same context are sent one after the other, in the order of ids.
        context: varchar(40),
        // For people: "web #81".
        about: text,
        // 1: nothing follows about this object, so a later report never replaces it.
        final: smallint,
        // "owed", "sent", "overtaken" by a later one of its context, "skipped": nothing to send, or "dead": given up.
        state: varchar(16),
        attempts: integer.default("0"),
        // Since when an attempt is under way of which no end is known.
        sending_at: double.nullable(),
        // Not tried before.
        next_at: double.default("0"),
        failing_since: double.nullable(),
        problem: text.nullable(),
        ended_at: double.nullable(),
      },
      // A row of the outbox that is handed out twice owes each report once.
      unique("mm_reports_once", "outboxid", "reporterid"),
      { name: "mm_reports_owed", columns: ["reporterid", "next_at", "id"], unique: false, where: "state = 'owed'" },
      { name: "mm_reports_context", columns: ["reporterid", "context", "id"], unique: false },
      { name: "mm_reports_ended", columns: ["ended_at"], unique: false, where: "state <> 'owed'" },
      { name: "mm_reports_state", columns: ["state", "id"], unique: false },
    ),
    // What a reporter remembers of a context, such as the comment that it edits.
    table("mm_report_memory", {
      reporterid: integer.primary().references("mm_reporters.id"),
      context: varchar(40).primary(),
      value: text,
      at: double,
    }),
  ],
  statements: () => [
    // 1: reporters want it and have not been asked yet whether they report it.
    "alter table mm_outbox add column owed smallint",
    "create index mm_outbox_owed on mm_outbox (id) where owed = 1",
  ],
};
