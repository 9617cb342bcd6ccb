import { integer, table } from "../declare-table.ts";
import type { Migration } from "../migration.ts";

/**
 * The number of the last instance of a latent worker. It is a label of things that outlive its row, and SQLite gives the
 * number of a deleted row to the next one.
 */
export const instanceNumbers: Migration = {
  name: "numbers of instances that are used once",
  kind: "expand",
  tables: [table("mm_instance_numbers", { singleton: integer.primary(), last: integer })],
};
