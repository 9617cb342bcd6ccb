import { double, integer, table, text } from "../declare-table.ts";
import type { Migration } from "../migration.ts";

/** How often builds of a request were lost with their engine or worker, and how often each engine's builders allow it. */
export const requestLosses: Migration = {
  name: "builds lost with their engine or worker",
  kind: "expand",
  tables: [
    table("mm_request_losses", {
      buildrequestid: integer.primary().references("buildrequests.id"),
      engine_deaths: integer,
      worker_losses: integer,
      lost_at: double,
      // Why the request is not built again, in a sentence; null as long as it is.
      detail: text.nullable(),
    }),
    // A builder as one engine runs it. An engine of an earlier release has no row here.
    table("mm_builder_limits", {
      builderid: integer.primary().references("builders.id"),
      masterid: integer.primary().references("masters.id"),
      // Null: without a limit.
      max_engine_deaths: integer.nullable(),
    }),
  ],
};
