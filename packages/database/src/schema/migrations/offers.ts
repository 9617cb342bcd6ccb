import { double, integer, smallint, table, text } from "../declare-table.ts";
import type { Migration } from "../migration.ts";

/** Facts that only the configs of engines and schedulers have, for explanations why something waits. */
export const offers: Migration = {
  name: "what engines and schedulers offer",
  kind: "expand",
  tables: [
    // A builder as one engine runs it; counts only beside its row in builder_masters.
    table("mm_builder_offers", {
      builderid: integer.primary().references("builders.id"),
      masterid: integer.primary().references("masters.id"),
      // Null: without a limit.
      max_builds: integer.nullable(),
      // Below the worker's base directory.
      directory: text,
    }),
    // How many builds a worker takes at the same time, as the engine has it to which it attached last.
    table("mm_worker_offers", {
      workerid: integer.primary().references("workers.id"),
      masterid: integer.references("masters.id"),
      max_builds: integer,
    }),
    table("mm_tree_timers", {
      schedulerid: integer.primary().references("schedulers.id"),
      seconds: double,
      // Each branch of a repository has its own timer; or else there is one for all.
      per_branch: smallint,
    }),
  ],
};
