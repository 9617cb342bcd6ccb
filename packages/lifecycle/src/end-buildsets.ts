import { type Result, Results, worstResult } from "@multimaster/core";
import { type Connection, execute, queryRows } from "@multimaster/database";
import type { Outcomes } from "./outcomes.ts";
import { type Transition, transition } from "./transition.ts";

/** Completes those of the buildsets whose requests are all complete, where nothing else ends. */
export async function completeBuildsets(tx: Connection, buildsetIds: readonly number[]): Promise<Outcomes> {
  return (await transition(tx, (t) => endBuildsets(t, buildsetIds))).outcomes;
}

/**
 * Completes the buildsets of requests that the caller has just ended in this transaction, if they were the last ones, with the
 * worst of the results.
 *
 * While other requests of the buildset are open, its row is not locked, so builds of one large buildset end side by side.
 * Instead one of the open requests is locked against its own end until this transaction is over. So each end, except the
 * last, is committed before the end of some other request begins, and that one sees it. Requests that are being ended by
 * others at this moment cannot be locked so; if there are only such, the buildset's row decides whose end is the last.
 */
export async function endBuildsetsOf(t: Transition, buildsetIds: readonly number[]): Promise<void> {
  if (buildsetIds.length === 0) return;
  const { tx } = t;
  const { shareLock, skipLocked } = tx.dialect;
  const lock = shareLock === "" ? "" : `${shareLock}${skipLocked}`;
  const given = tx.dialect.rowsOf(
    ["integer"],
    [...new Set(buildsetIds)].map((id) => [id]),
  );
  // The newest one: engines take the oldest first, and one that is locked cannot be claimed at that moment.
  const last = await queryRows<{ id: number; open: number | null }>(
    tx,
    `with v(id) as (${given.sql})
     select v.id, (select r.id from buildrequests r where r.buildsetid = v.id and r.complete = 0
                   order by r.id desc limit 1${lock}) as "open" from v`,
    given.bindings,
  );
  await endBuildsets(
    t,
    last.filter(({ open }) => open === null).map(({ id }) => id),
  );
}

/**
 * Buildsets end: those of these whose build requests are all complete, with the worst of their results. The rows are
 * locked before the requests are counted, so of two masters that end the last two requests one sees both.
 */
export async function endBuildsets(t: Transition, buildsetIds: readonly number[]): Promise<void> {
  if (buildsetIds.length === 0) return;
  const { tx } = t;
  const locked = tx.dialect.isOneOf("id", buildsetIds);
  const open = await queryRows<{ id: number }>(
    tx,
    `select id from buildsets where ${locked.sql} and complete = 0 order by id${tx.dialect.noKeyUpdateLock}`,
    locked.bindings,
  );
  const ended = await readResults(
    tx,
    open.map((row) => row.id),
  );
  const given = tx.dialect.rowsOf(["integer", "integer"], [...ended]);
  if (ended.size > 0)
    await execute(
      tx,
      `with v(id, results) as (${given.sql})
       update buildsets set complete = 1, results = v.results, complete_at = ${tx.dialect.nowSeconds}
       from v where buildsets.id = v.id`,
      given.bindings,
    );
  for (const [id, results] of ended) {
    t.record("buildset-ended", id, { results });
    t.outcomes.completedBuildsets.push(id);
  }
}

/** The result of each buildset that has no open request. */
async function readResults(tx: Connection, buildsetIds: readonly number[]): Promise<Map<number, Result>> {
  const wanted = tx.dialect.isOneOf("buildsetid", buildsetIds);
  const requests = await queryRows<{ buildsetid: number; complete: number | null; results: Result }>(
    tx,
    `select distinct buildsetid, complete, results from buildrequests where ${wanted.sql}`,
    wanted.bindings,
  );
  const worst = new Map<number, Result>(buildsetIds.map((id) => [id, Results.SUCCESS]));
  for (const { buildsetid, complete, results } of requests) {
    const before = worst.get(buildsetid);
    if (complete !== 1) worst.delete(buildsetid);
    else if (before !== undefined) worst.set(buildsetid, worstResult(before, results));
  }
  return worst;
}
