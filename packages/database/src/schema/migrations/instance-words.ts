import { integer, table, text } from "../declare-table.ts";
import type { Migration } from "../migration.ts";

/** What an instance of a latent worker that has not attached yet has written last. */
export const instanceWords: Migration = {
  name: "words of instances that start",
  kind: "expand",
  tables: [
    // No reference: a master of an earlier release deletes an instance without knowing of its row here.
    table("mm_instance_words", { instanceid: integer.primary(), words: text }),
  ],
};
