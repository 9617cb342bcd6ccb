import type { Connection } from "../connection.ts";
import { queryRows } from "../dialect.ts";

/** Which steps a reporter wants to hear of. */
export interface StepInterest {
  readonly kind: "step-started" | "step-ended";
  /** Names, where * matches any text; null: all. */
  readonly names: readonly string[] | null;
}

/** Which steps are to be noted for reporters. */
export async function readStepInterest(connection: Connection): Promise<StepInterest[]> {
  const rows = await queryRows<{ kind: StepInterest["kind"]; names: string | null }>(
    connection,
    "select kind, names from mm_reporter_kinds where kind in ('step-started', 'step-ended')",
  );
  return rows.map(({ kind, names }) => ({ kind, names: names === null ? null : (JSON.parse(names) as string[]) }));
}
