import { double, integer, table } from "../declare-table.ts";
import type { Migration } from "../migration.ts";

/** The one row that says which data version the cluster writes (data-version.ts). */
export const dataVersionTable: Migration = {
  name: "the data version of the cluster",
  kind: "expand",
  tables: [table("mm_data_version", { id: integer.primary(), version: integer, raised_at: double })],
  statements: ({ now }) => [`insert into mm_data_version (id, version, raised_at) values (1, 1, ${now})`],
};
