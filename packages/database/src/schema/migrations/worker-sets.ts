import { index, integer, serial, smallint, table, unique, varchar } from "../declare-table.ts";
import type { Migration } from "../migration.ts";

/**
 * Which workers may run which builder on which engine, without a row for each combination: builders that name the same
 * workers share one set of them, on all engines.
 */
export const workerSets: Migration = {
  name: "sets of configured workers",
  kind: "expand",
  tables: [
    table("mm_worker_sets", { id: serial, hash: varchar(40) }, unique("mm_worker_sets_hash", "hash")),
    // Never changed once the set is there: its hash names them.
    table(
      "mm_worker_set_members",
      {
        setid: integer.primary().references("mm_worker_sets.id"),
        workerid: integer.primary().references("workers.id"),
      },
      index("mm_worker_set_members_worker", "workerid", "setid"),
    ),
    table(
      "mm_builder_workers",
      {
        buildermasterid: integer.primary().references("builder_masters.id"),
        setid: integer.references("mm_worker_sets.id"),
        // 1: configured_workers, which other programs read, has the same workers.
        mirrored: smallint,
      },
      index("mm_builder_workers_set", "setid"),
    ),
  ],
};
