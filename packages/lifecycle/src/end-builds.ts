import { append, type Result, Results } from "@multimaster/core";
import { execute, type Fragment, longest, queryRows, truncateText } from "@multimaster/database";
import { mostStepsNoted } from "./note-steps.ts";
import type { Transition } from "./transition.ts";

/** How builds end. */
export interface BuildsEnd {
  results: Result;
  /** Null: the state stays what the build reported last. */
  state: string | null;
  /** What becomes the state of the steps that run; default: it stays what the step reported last. */
  stepState?: string;
  /** Whether any of them may have been asked to stop; default: it may. */
  asked?: boolean;
}

/** With these results a build may have been broken off, with steps still running. */
const brokenOff: ReadonlySet<Result> = new Set([Results.EXCEPTION, Results.RETRY, Results.CANCELLED]);

/**
 * Builds end: those of this master that run, and of which the condition on `builds` is true. What was asked of them is
 * answered thereby. Returns their ids.
 */
export async function endBuilds(
  t: Transition,
  masterid: number,
  which: Fragment,
  { results, state, stepState, asked = true }: BuildsEnd,
): Promise<number[]> {
  const { tx, outcomes } = t;
  const ended = await queryRows<{ id: number; builderid: number; buildrequestid: number }>(
    tx,
    `update builds set complete_at = ${tx.dialect.nowSeconds}, results = ?, state_string = coalesce(?, state_string)
      where complete_at is null and masterid = ? and ${which.sql} returning id, builderid, buildrequestid`,
    [results, state === null ? null : truncateText(state, longest.sentence), masterid, ...which.bindings],
  );
  const ids = ended.map(({ id }) => id).sort((a, b) => a - b);
  if (ids.length === 0) return ids;
  for (const { id, ...facts } of ended) t.record("build-ended", id, { results, masterid, ...facts });
  append(outcomes.finishedBuilds, ids);
  const answered = tx.dialect.isOneOf("buildid", ids);
  if (asked) await execute(tx, `delete from mm_stop_requests where ${answered.sql}`, answered.bindings);
  if (brokenOff.has(results)) await endSteps(t, ids, results, stepState);
  return ids;
}

/** Ends the steps of builds that run no more, and their logs: a step must not outlive its build. */
async function endSteps(t: Transition, buildids: readonly number[], results: Result, state?: string): Promise<void> {
  const { tx, outcomes } = t;
  const ofBuilds = tx.dialect.isOneOf("buildid", buildids);
  const logs = await queryRows<{ id: number }>(
    tx,
    `update logs set complete = 1 where complete = 0 and stepid in (select id from steps where ${ofBuilds.sql}) returning id`,
    ofBuilds.bindings,
  );
  const steps = await queryRows<{ id: number; buildid: number; number: number; name: string; began: number | null }>(
    tx,
    `update steps set complete_at = ${tx.dialect.nowSeconds}, results = ?,
        state_string = case when started_at is null then state_string else coalesce(?, state_string) end
      where complete_at is null and ${ofBuilds.sql} returning id, buildid, number, name, started_at as began`,
    [results, state === undefined ? null : truncateText(state, longest.sentence), ...ofBuilds.bindings],
  );
  for (const { id, began, ...facts } of steps)
    if (began !== null && facts.number < mostStepsNoted) t.record("step-ended", id, { results, ...facts });
  const ids = (rows: { id: number }[]) => rows.map(({ id }) => id).sort((a, b) => a - b);
  append(outcomes.finishedLogs, ids(logs));
  append(outcomes.finishedSteps, ids(steps));
}
