import type { Migration } from "../migration.ts";
import { on } from "../own.ts";

/** For what pages ask of a history of ten million builds, found by their query plans. */
export const longHistories: Migration = {
  name: "indexes for long histories",
  kind: "expand",
  indexes: [
    // Buildbot's console.
    on("buildrequests", "mm_requests_submitted", ["submitted_at", "id"]),
    // Builds with a rare result among ten million.
    on("builds", "mm_builds_with_results", ["results", "id"]),
    // The changes of a build are those of its line; '' and none are the same branch.
    on("changes", "mm_changes_of_line", ["coalesce(branch, '')", "changeid"]),
    on("changes", "mm_changes_of_project", ["project", "changeid"]),
  ],
};
