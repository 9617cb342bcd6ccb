import type { Connection } from "../connection.ts";
import { execute, queryRows } from "../dialect.ts";
import { dropUnfollowing } from "./following-reports.ts";
import { hashContext, isBehind, lockReports, unaskedContext } from "./reports.ts";

/** What a master handed out whose config does not know the reporter: whether it is reported has not been asked. */
export interface UnaskedReport {
  readonly id: number;
  readonly at: number;
  readonly kind: string;
  readonly objectid: number;
  readonly facts: string;
}

/** What the reporter says of it; null: it does not report it. */
export type LateAnswer = {
  readonly context: string;
  readonly final: boolean;
  readonly follows?: boolean | undefined;
} | null;

/** Events of these kinds that a reporter has not been asked about, oldest first. */
export async function findUnasked(
  connection: Connection,
  reporterid: number,
  kinds: readonly string[],
  limit: number,
): Promise<UnaskedReport[]> {
  const wanted = connection.dialect.isOneOf("kind", kinds);
  return queryRows<UnaskedReport>(
    connection,
    `select id, happened_at as at, kind, objectid, facts from mm_reports
      where reporterid = ? and context = ? and state = 'unasked' and ${wanted.sql} order by id limit ?`,
    [reporterid, unaskedContext, ...wanted.bindings, limit],
  );
}

/** Saves what a reporter says: its reports keep their places, before all that happened later. */
export async function answerUnasked(
  tx: Connection,
  reporterid: number,
  answers: ReadonlyMap<number, LateAnswer>,
): Promise<void> {
  await lockReports(tx, [reporterid]);
  const candidates = [...answers].flatMap(([id, answer]) =>
    answer ? [{ ...answer, id, reporterid, context: hashContext(answer.context) }] : [],
  );
  const wanted = await dropUnfollowing(tx, candidates);
  const kept = new Set(wanted.map(({ id }) => id));
  const unwanted = tx.dialect.isOneOf(
    "id",
    [...answers.keys()].filter((id) => !kept.has(id)),
  );
  await execute(tx, `delete from mm_reports where ${unwanted.sql} and state = 'unasked'`, unwanted.bindings);
  for (const { id, context, final } of wanted)
    await execute(
      tx,
      "update mm_reports set state = 'owed', is_first = 1, context = ?, final = ? where id = ? and state = 'unasked'",
      [context, Number(final), id],
    );
  const all = tx.dialect.isOneOf("id", [...answers.keys()]);
  await execute(tx, `update mm_reports set is_first = 0 where ${all.sql} and ${isBehind}`, all.bindings);
}
