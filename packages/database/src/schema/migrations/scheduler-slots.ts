import { double, integer, table, text, varchar } from "../declare-table.ts";
import type { Migration } from "../migration.ts";

/** What schedulers that go by the clock, or by other buildsets, have decided: each thing once in the cluster. */
export const schedulerSlots: Migration = {
  name: "slots of schedulers",
  kind: "expand",
  tables: [
    // Since when a scheduler counts slots. None before `since_at` or at most at `floor` is of interest.
    table("mm_scheduler_starts", {
      schedulerid: integer.primary().references("schedulers.id"),
      // What its slots depend on: with another timetable it begins again.
      spec: text,
      since_at: double,
      // A buildset id.
      floor: integer,
    }),
    // The primary key is the guarantee: written in the transaction of its buildset. Old rows are deleted.
    table("mm_scheduler_slots", {
      schedulerid: integer.primary().references("schedulers.id"),
      // "time" or "buildset".
      kind: varchar(8).primary(),
      // Seconds since 1970, or the id of the other scheduler's buildset.
      slot: integer.primary(),
      outcome: varchar(16),
      // How many slots before this one were passed over.
      passed: integer,
      // No reference: the row outlives the buildset.
      buildsetid: integer.nullable(),
      decided_at: double,
    }),
  ],
};
