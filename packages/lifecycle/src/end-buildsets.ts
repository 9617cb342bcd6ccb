import { type Result, Results, worstFirst } from "@multimaster/core";
import { type Connection, queryRows } from "@multimaster/database";
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
  const wanted = tx.dialect.isOneOf("id", buildsetIds);
  // The lock is a statement of its own: the update must see what was committed while it was waited for.
  const [, ended] = await Promise.all([
    queryRows(
      tx,
      `select id from buildsets where ${wanted.sql} and complete = 0 order by id${tx.dialect.noKeyUpdateLock}`,
      wanted.bindings,
    ),
    queryRows<{ id: number; results: Result }>(
      tx,
      `update buildsets set complete = 1, complete_at = ${tx.dialect.nowSeconds}, results = coalesce((
           select r.results from buildrequests r where r.buildsetid = buildsets.id and r.results <> ${Results.SKIPPED}
            order by ${severity("r.results")} limit 1), ${Results.SUCCESS})
        where ${wanted.sql} and complete = 0 and not exists (
          select 1 from buildrequests r where r.buildsetid = buildsets.id and coalesce(r.complete, 0) <> 1)
       returning id, results`,
      wanted.bindings,
    ),
  ]);
  for (const { id, results } of ended.sort((a, b) => a.id - b.id)) {
    t.record("buildset-ended", id, { results });
    t.outcomes.completedBuildsets.push(id);
  }
}

/** SQL: puts the worst result first. */
const severity = (results: string) =>
  `case ${results} ${worstFirst.map((result, i) => `when ${result} then ${i}`).join(" ")} else -1 end`;
