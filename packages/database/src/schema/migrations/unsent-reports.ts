import type { Migration } from "../migration.ts";
import { on } from "../own.ts";

/** What each reporter owes and gave up, oldest first: pages and commands read it often, beside many that were sent. */
export const unsentReports: Migration = {
  name: "indexes for reports that are owed or given up",
  kind: "expand",
  indexes: [
    on("mm_reports", "mm_reports_owed_by_id", ["reporterid", "id"], "state = 'owed'"),
    on("mm_reports", "mm_reports_dead_by_id", ["reporterid", "id"], "state = 'dead'"),
  ],
};
