import { type AuditRow, insertAuditRow, pruneAuditRows } from "@multimaster/database";
import type { UpdateContext } from "./update-context.ts";

/** The audit trail, as far as it is not written by the action that it is about. */
export interface AuditUpdates {
  /** Notes what was refused or failed, or was no action on rows. */
  note(rows: readonly AuditRow[]): Promise<void>;
  /** Deletes rows beyond these numbers, of what was done and of the rest apart: the oldest of who has most. */
  prune(keep: { readonly done: number; readonly others: number }): Promise<void>;
}

export function createAuditUpdates({ database }: UpdateContext): AuditUpdates {
  return {
    async note(rows) {
      if (rows.length > 0)
        await database.transaction(async (tx) => {
          for (const row of rows) await insertAuditRow(tx, row);
        });
    },
    async prune(keep) {
      await pruneAuditRows(database, keep);
    },
  };
}
