import type { Migration } from "../migration.ts";

/** Retention asks of each old buildset whether a scheduler still needs it, without reading all slots. */
export const slotsByBuildset: Migration = {
  name: "slots by buildset",
  kind: "expand",
  statements: () => [
    "create index mm_scheduler_slots_buildsets on mm_scheduler_slots (buildsetid) where buildsetid is not null",
  ],
};
