import { integer, table } from "../declare-table.ts";
import type { Migration } from "../migration.ts";

/** How often each engine's builders let a request be lost with its worker, or with a master that stopped immediately. */
export const workerLossLimits: Migration = {
  name: "limits of builds lost with their worker",
  kind: "expand",
  tables: [
    // A builder as one engine runs it. An engine of an earlier release has no row here.
    table("mm_builder_loss_limits", {
      builderid: integer.primary().references("builders.id"),
      masterid: integer.primary().references("masters.id"),
      // Null: without a limit.
      max_worker_losses: integer.nullable(),
    }),
  ],
};
