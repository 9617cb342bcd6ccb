import { double, integer, table } from "../declare-table.ts";
import type { Migration } from "../migration.ts";

/** Instances of latent workers that a user wants to be gone now. */
export const instanceDestroys: Migration = {
  name: "instances to destroy",
  kind: "expand",
  tables: [
    // No reference: a master of an earlier release deletes an instance without knowing of its row here.
    table("mm_instance_destroys", { instanceid: integer.primary(), asked_at: double }),
  ],
};
