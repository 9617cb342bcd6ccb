import { double, index, integer, smallint, table, text, varchar } from "../declare-table.ts";
import type { Migration } from "../migration.ts";

/** What the config's rules say of who goes first and where (docs/who-goes-first.md), for explanations on other masters. */
export const startRules: Migration = {
  name: "rules of who goes first and where",
  kind: "expand",
  tables: [
    // A builder as one engine runs it; no row: weight 1, and no function is asked.
    table("mm_builder_rules", {
      builderid: integer.primary().references("builders.id"),
      masterid: integer.primary().references("masters.id"),
      weight: integer,
      // 1: a function of the config is asked before one of its requests starts.
      asks: smallint,
    }),
    // A worker as the engine that started last has it; no row: no capacity and no hours.
    table("mm_worker_rules", {
      workerid: integer.primary().references("workers.id"),
      capacity: integer.nullable(),
      // JSON: the zone and the windows.
      hours: text.nullable(),
    }),
    // What keeps a request from a worker at one engine. A row counts only in the incarnation that wrote it.
    table(
      "mm_start_refusals",
      {
        masterid: integer.primary().references("masters.id"),
        builderid: integer.primary().references("builders.id"),
        // 0: any request of the builder, or any worker. No references, for that and since rows may outlive a request.
        buildrequestid: integer.primary(),
        workerid: integer.primary(),
        epoch: integer,
        // The option whose function refuses or fails; "capacity": the worker keeps its free capacity for this request.
        option: varchar(32),
        why: text,
        // When the function is asked again.
        until: double.nullable(),
      },
      index("mm_start_refusals_builder", "builderid"),
    ),
    // A request that a rule of its builder runs again.
    table("mm_request_retries", {
      // No reference: the row may outlive the request.
      buildrequestid: integer.primary(),
      retries: integer,
      // It is not claimed before this time.
      retry_at: double,
      detail: text,
    }),
  ],
};
