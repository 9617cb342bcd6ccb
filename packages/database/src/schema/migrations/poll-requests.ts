import { double, integer, table } from "../declare-table.ts";
import type { Migration } from "../migration.ts";

/** For whoever wants a change source to look at once: whichever master has it takes the row away and looks. */
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
