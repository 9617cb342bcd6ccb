import type { Migration } from "../migration.ts";
import { on } from "../own.ts";

/** All builders of a branch, for its page; a source may be longer than what an index takes. */
export const linesOfSource: Migration = {
  name: "index for the builders of a branch",
  kind: "expand",
  indexes: [on("mm_builder_lines", "mm_lines_of_source", ["substr(source, 1, 200)"])],
};
