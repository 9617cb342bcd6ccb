import type { Connection } from "../connection.ts";
import { queryRows } from "../dialect.ts";

/** What may become a report; `follows`: only if something of its context was sent, or is owed. */
interface Candidate {
  readonly reporterid: number;
  /** Its key. */
  readonly context: string;
  readonly follows?: boolean | undefined;
}

/** Leaves out what follows nothing. The candidates are in the order in which things happened. */
export async function dropUnfollowing<C extends Candidate>(tx: Connection, candidates: readonly C[]): Promise<C[]> {
  const following = candidates.filter(({ follows }) => follows);
  if (following.length === 0) return [...candidates];
  const reporters = tx.dialect.isOneOf("reporterid", [...new Set(following.map(({ reporterid }) => reporterid))]);
  const contexts = tx.dialect.isOneOf("context", [...new Set(following.map(({ context }) => context))]);
  const rows = await queryRows<{ reporterid: number; context: string }>(
    tx,
    `select distinct reporterid, context from mm_reports
      where ${reporters.sql} and ${contexts.sql} and state in ('owed', 'sent')`,
    [...reporters.bindings, ...contexts.bindings],
  );
  const keyOf = ({ reporterid, context }: Pick<Candidate, "reporterid" | "context">) => `${reporterid} ${context}`;
  const known = new Set(rows.map(keyOf));
  return candidates.filter((candidate) => {
    if (candidate.follows) return known.has(keyOf(candidate));
    known.add(keyOf(candidate));
    return true;
  });
}
