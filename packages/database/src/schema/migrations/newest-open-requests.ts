import type { Migration } from "../migration.ts";
import { on } from "../own.ts";

/** The newest requests of a builder that wait: what collapses is read often, and must not read the whole queue, nor the history. */
export const newestOpenRequests: Migration = {
  name: "index for the newest requests that wait",
  kind: "expand",
  indexes: [on("buildrequests", "mm_open_requests_of_builder", ["builderid", "id"], "complete = 0")],
};
