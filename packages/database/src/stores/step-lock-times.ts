import type { Connection } from "../connection.ts";
import { execute, queryRows } from "../dialect.ts";
import { longest, truncateText } from "./column-text.ts";

/** A running step waits for locks: its state says so. False: it did before. */
export async function noteStepWaits(tx: Connection, stepid: number, state: string): Promise<boolean> {
  const shown = truncateText(state, longest.sentence);
  const changed = await execute(
    tx,
    `update steps set locks_acquired_at = null, state_string = ?
      where id = ? and complete_at is null and (locks_acquired_at is not null or state_string <> ?)`,
    [shown, stepid, shown],
  );
  return changed > 0;
}

/** A running step that has waited has its locks: notes the time that they took, of the step and of its build. */
export async function noteStepLocks(tx: Connection, stepid: number): Promise<boolean> {
  const rows = await queryRows<{ buildid: number; waited: number }>(
    tx,
    `update steps set locks_acquired_at = ${tx.dialect.nowSeconds}, state_string = 'pending'
      where id = ? and locks_acquired_at is null and complete_at is null
      returning buildid, locks_acquired_at - started_at as waited`,
    [stepid],
  );
  for (const { buildid, waited } of rows)
    await execute(tx, "update builds set locks_duration_s = coalesce(locks_duration_s, 0) + ? where id = ?", [
      Math.max(0, waited),
      buildid,
    ]);
  return rows.length > 0;
}
