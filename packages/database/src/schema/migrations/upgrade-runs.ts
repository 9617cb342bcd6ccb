import { double, index, serial, table, text } from "../declare-table.ts";
import type { Migration } from "../migration.ts";

/** Upgrades of a host's masters: one that was killed half-way is found by the next one, and shown. */
export const upgradeRuns: Migration = {
  name: "upgrades of hosts",
  kind: "expand",
  tables: [
    table(
      "mm_upgrades",
      {
        id: serial,
        host: text,
        config: text,
        // JSON: which master is replaced by which.
        plan: text,
        began_at: double,
        // Null while it runs, and for good when it was killed.
        ended_at: double.nullable(),
      },
      index("mm_upgrades_began", "began_at"),
    ),
  ],
};
