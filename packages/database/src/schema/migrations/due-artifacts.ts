import type { Migration } from "../migration.ts";
import { on } from "../own.ts";

const isShown = "state = 'complete' and cache_scope is null";

/** What is to be removed, and the newest of a name, are found without reading all that is kept. */
export const dueArtifacts: Migration = {
  name: "indexes for artifacts that are due",
  kind: "expand",
  indexes: [
    on("mm_artifacts", "mm_artifacts_by_age", ["created_at"], isShown),
    on("mm_artifacts", "mm_artifacts_of_builder", ["builderid", "from_fork", "buildid"], isShown),
    on("mm_artifacts", "mm_artifacts_latest", ["builderid", "name", "buildid"], isShown),
    on(
      "mm_artifacts",
      "mm_artifacts_caches_used",
      ["used_at", "artifactid", "size"],
      "state = 'complete' and cache_scope is not null",
    ),
  ],
};
