import { double, integer, table } from "../declare-table.ts";
import type { Migration } from "../migration.ts";
import { on } from "../own.ts";

/** Buildbot's column of nanoseconds ends at 2.1 seconds: what took longer stands here as well, and counts. */
export const longTests: Migration = {
  name: "tests longer than two seconds",
  kind: "expand",
  tables: [
    table("mm_long_tests", {
      test_resultid: integer.primary().references("test_results.id"),
      duration_ns: double,
    }),
  ],
};

/** For what fails now, what is flaky, what is slow, and what became of one test over the builds. */
export const testIndexes: Migration = {
  name: "indexes for tests over many builds",
  kind: "expand",
  indexes: [
    on("test_result_sets", "mm_test_result_sets_of_builder", ["builderid", "buildid"]),
    on("test_results", "mm_test_results_of_test", ["test_nameid", "test_result_setid", "id"]),
    on("test_results", "mm_test_results_failed", ["test_result_setid"], "value in ('error', 'fail', '0')"),
    on("test_results", "mm_test_results_slow", ["test_result_setid", "duration_ns"]),
  ],
};
