import { append, type Result, Results } from "@multimaster/core";
import { execute, keepCancellations, queryRows } from "@multimaster/database";
import { endBuildsetsOf } from "./end-buildsets.ts";
import type { Transition } from "./transition.ts";

/** A request whose row the caller has locked. */
export interface EndingRequest {
  readonly id: number;
  /** Whether someone has cancelled it, as was found under that lock. */
  readonly cancelled: boolean;
}

/** Completes a request, and its buildset if it was the last one. The caller holds the request's row. */
export async function endRequest(t: Transition, request: EndingRequest, results: Result): Promise<void> {
  await endBuildsetsOf(t, await endRequests(t, [request], results));
}

/**
 * Build requests end: those of these that are open. Whether their buildsets end with them is the caller's to find out;
 * returns the buildsets' ids. The caller holds the requests' rows.
 */
export async function endRequests(
  t: Transition,
  requests: readonly EndingRequest[],
  results: Result,
): Promise<number[]> {
  const { tx, outcomes } = t;
  const wanted = tx.dialect.isOneOf(
    "id",
    requests.map(({ id }) => id),
  );
  const ended = await queryRows<{ id: number; buildsetid: number; builderid: number }>(
    tx,
    `update buildrequests set complete = 1, results = ?, complete_at = ${tx.dialect.nowSeconds}
      where ${wanted.sql} and coalesce(complete, 0) <> 1 returning id, buildsetid, builderid`,
    [results, ...wanted.bindings],
  );
  for (const { id, ...facts } of ended) t.record("request-ended", id, { results, ...facts });
  append(
    outcomes.completedRequests,
    ended.map(({ id }) => id).sort((a, b) => a - b),
  );
  // Cancelled under the lock that the caller holds, or not at all: most ends have nothing to answer.
  const cancelled = requests.filter((request) => request.cancelled).map(({ id }) => id);
  if (cancelled.length > 0) {
    const answered = tx.dialect.isOneOf("buildrequestid", cancelled);
    if (results === Results.CANCELLED) await keepCancellations(tx, cancelled);
    await execute(tx, `delete from mm_cancellations where ${answered.sql}`, answered.bindings);
  }
  return [...new Set(ended.map(({ buildsetid }) => buildsetid))];
}
