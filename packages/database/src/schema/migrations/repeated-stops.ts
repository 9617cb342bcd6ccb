import type { Migration } from "../migration.ts";

/** Whether a build that was asked to stop was asked again, so that its clean-up steps end, too. Null: it was not. */
export const repeatedStops: Migration = {
  name: "repeated requests to stop a build",
  kind: "expand",
  statements: () => ["alter table mm_stop_requests add column asked_again integer"],
};
