import { double, integer, table } from "../declare-table.ts";
import type { Migration } from "../migration.ts";

/** Requests that a change source polls immediately: the master that has it deletes the row and polls. */
export const pollRequests: Migration = {
  name: "requests to poll",
  kind: "expand",
  tables: [
    table("mm_poll_requests", {
      changesourceid: integer.primary().references("changesources.id"),
      requested_at: double,
    }),
  ],
};
