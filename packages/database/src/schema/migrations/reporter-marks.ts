import type { Migration } from "../migration.ts";

/** What targets show and has not ended, and what a reporter's options and functions have become. */
export const reporterMarks: Migration = {
  name: "open states and marks of reporters",
  kind: "expand",
  statements: () => [
    // A few bits of a hash of its options: others than those that the target refused are tried immediately.
    "alter table mm_reporters add column options_mark varchar(8)",
    // Why its filter is not called for a while; null: it is called.
    "alter table mm_reporters add column suspended text",
    // `final` becomes 1 when a later report of the context was sent: what is left here may still need its end.
    "create index mm_reports_announced on mm_reports (reporterid, id) where final = 0",
  ],
};
