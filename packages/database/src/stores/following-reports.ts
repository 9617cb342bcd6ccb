import type { Connection } from "../connection.ts";
import { execute, queryRows } from "../dialect.ts";

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

/** What was announced before these reports of its context were sent is not shown any more: it needs no end. */
export async function endAnnounced(tx: Connection, reporterid: number, sent: readonly number[]): Promise<void> {
  if (sent.length === 0) return;
  const later = tx.dialect.isOneOf("l.id", sent);
  await execute(
    tx,
    `update mm_reports set final = 1 where reporterid = ? and final = 0 and state = 'sent' and exists (
       select 1 from mm_reports l where ${later.sql} and l.reporterid = mm_reports.reporterid
         and l.context = mm_reports.context and l.id > mm_reports.id)`,
    [reporterid, ...later.bindings],
  );
}
