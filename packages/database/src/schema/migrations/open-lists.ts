import type { Migration } from "../migration.ts";
import { on } from "../own.ts";

const isOpen = "complete = 0 or complete is null";

/**
 * Lists of what is open, in their usual orders. PostgreSQL plans a statement that comes often without its limit, and takes
 * open rows for evenly spread: without these indexes it reads the history from its beginning to find them at its end.
 */
export const openLists: Migration = {
  name: "indexes for lists of what is open",
  kind: "expand",
  indexes: [
    on("buildrequests", "mm_open_requests_submitted", ["submitted_at", "id"], isOpen),
    on("buildrequests", "mm_open_requests_by_id", ["id"], isOpen),
    on("builds", "mm_running_builds_started", ["started_at", "id"], "complete_at is null"),
    on("buildsets", "mm_open_buildsets", ["id"], "complete = 0"),
  ],
};
