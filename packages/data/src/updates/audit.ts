import { type AuditRow, insertAuditRow, pruneAuditRows } from "@multimaster/database";
import type { UpdateContext } from "./update-context.ts";

/** The entries of the audit trail that no action writes itself. */
export interface AuditUpdates {
  /** Writes entries of refusals, of failures, and of acts that write no rows. */
  note(rows: readonly AuditRow[]): Promise<void>;
  /** Deletes rows beyond these numbers, counted separately: the oldest of the actor with most rows first. */
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
