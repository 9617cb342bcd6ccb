import { type Result, Results, worstResult } from "@multimaster/core";
import { type Connection, queryRows } from "@multimaster/database";

/**
 * Completes those of the buildsets whose build requests are all complete, with the worst of their results. The rows are
 * locked before the requests are counted, so of two masters that end the last two requests one sees both.
 */
export async function completeBuildsets(tx: Connection, buildsetIds: readonly number[]): Promise<number[]> {
  if (buildsetIds.length === 0) return [];
  const locked = tx.dialect.isOneOf("id", buildsetIds);
  const open = await queryRows<{ id: number }>(
    tx,
    `select id from buildsets where ${locked.sql} and complete = 0 order by id${tx.dialect.noKeyUpdateLock}`,
    locked.bindings,
  );
  const outcomes = await readOutcomes(
    tx,
    open.map((row) => row.id),
  );
  const completed: number[] = [];
  for (const [id, results] of outcomes) {
    await tx.sql.raw(
      `update buildsets set complete = 1, results = ?, complete_at = ${tx.dialect.nowSeconds} where id = ?`,
      [results, id],
    );
    completed.push(id);
  }
  return completed;
}

/** The result of each buildset that has no open request. */
async function readOutcomes(tx: Connection, buildsetIds: readonly number[]): Promise<Map<number, Result>> {
  const wanted = tx.dialect.isOneOf("buildsetid", buildsetIds);
  const requests = await queryRows<{ buildsetid: number; complete: number | null; results: Result }>(
    tx,
    `select buildsetid, complete, results from buildrequests where ${wanted.sql}`,
    wanted.bindings,
  );
  const outcomes = new Map<number, Result>(buildsetIds.map((id) => [id, Results.SUCCESS]));
  for (const { buildsetid, complete, results } of requests) {
    const before = outcomes.get(buildsetid);
    if (complete !== 1) outcomes.delete(buildsetid);
    else if (before !== undefined) outcomes.set(buildsetid, worstResult(before, results));
  }
  return outcomes;
}
