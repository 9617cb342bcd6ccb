import { integer, table, text, unique, varchar } from "../declare-table.ts";
import type { Migration } from "../migration.ts";

/** For builds that start other builds. */
export const triggers: Migration = {
  name: "tables for triggered builds",
  kind: "expand",
  tables: [
    // What a triggerable scheduler would build, for engines that do not load the schedulers.
    table("mm_triggerable_schedulers", {
      schedulerid: integer.primary().references("schedulers.id"),
      spec: text,
    }),
    // Buildsets that builds of an open request have triggered: the next attempt finds there those of the one before it.
    table(
      "mm_triggered_buildsets",
      {
        bsid: integer.primary().references("buildsets.id"),
        buildrequestid: integer.references("buildrequests.id"),
        // Which of the build's triggers it was: the same one has the same slot in each attempt.
        slot: varchar(255),
        // Hash of what was asked for: another attempt that asks for something else gets something else.
        fingerprint: varchar(40),
      },
      unique("mm_triggered_buildsets_slot", "buildrequestid", "slot", "fingerprint"),
    ),
  ],
};
