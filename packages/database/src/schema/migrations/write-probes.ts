import { bytes, integer, table } from "../declare-table.ts";
import type { Migration } from "../migration.ts";

/** Where each master writes and deletes a row of its own now and then, to see whether the database takes writes. */
export const writeProbes: Migration = {
  name: "table to probe writes",
  kind: "expand",
  tables: [table("mm_write_probes", { masterid: integer.primary(), filler: bytes })],
};
