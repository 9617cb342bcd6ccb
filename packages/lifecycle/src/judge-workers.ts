import {
  beginAbsences,
  buildersConfiguredFor,
  type Connection,
  execute,
  longest,
  queryRows,
  setWorkerPaused,
  truncateText,
  workersConfiguredWhere,
} from "@multimaster/database";
import type { Transition } from "./transition.ts";
import { forgetFailures } from "./worker-pauses.ts";

/** What a build that ended says about its worker. */
export interface WorkerVerdict {
  readonly workerid: number;
  /** Null: the worker did what it was asked to. */
  readonly failure: WorkerFailure | null;
  /** Failures in a row after which it is quarantined; null: never. */
  readonly quarantineAfter: number | null;
  /** Seconds until one build is tried on it; null: a user has to resume it. */
  readonly probationS: number | null;
}

/** A build that the worker lost, or could not run for want of something that the machine lacks. */
export interface WorkerFailure {
  readonly kind: "connection" | "machine";
  readonly cause: string;
}

interface Standing {
  failures: number;
  kind: WorkerFailure["kind"] | "mixed";
  quarantined: number;
  paused: number;
  suspicion: string | null;
}

/**
 * Counts builds in a row that failed because of their worker, and quarantines a worker that has too many: it is paused until
 * a user resumes it, or until a build that is tried after some time does not fail because of it. The last step of a
 * transaction: it may wait for other masters that judge workers.
 */
export async function judgeWorkers(t: Transition, verdicts: readonly WorkerVerdict[]): Promise<void> {
  const ordered = [...verdicts].sort((a, b) => a.workerid - b.workerid);
  if (ordered.length === 0) return;
  const { tx } = t;
  const wanted = tx.dialect.isOneOf("id", [...new Set(ordered.map(({ workerid }) => workerid))]);
  // Before the rows of mm_worker_lives, as a user's pause locks them.
  await queryRows(
    tx,
    `select id from workers where ${wanted.sql} order by id${tx.dialect.noKeyUpdateLock}`,
    wanted.bindings,
  );
  for (const verdict of ordered) {
    if (verdict.failure === null) await clear(t, verdict.workerid);
    else await count(t, verdict, verdict.failure);
  }
}

async function clear(t: Transition, workerid: number): Promise<void> {
  const [standing] = await readStanding(t.tx, workerid);
  if (standing === undefined || (standing.failures === 0 && standing.quarantined === 0)) return;
  if (standing.quarantined === 0) {
    const sql =
      "update mm_worker_lives set failures = 0, failure_kind = null, last_failure = null, suspicion = null where workerid = ?";
    await execute(t.tx, sql, [workerid]);
  } else {
    await setWorkerPaused(t.tx, workerid, false, null);
    await forgetFailures(t, workerid);
    t.record("worker-freed", workerid, { failures: standing.failures });
  }
  t.outcomes.changedWorkers.push(workerid);
}

async function count(t: Transition, verdict: WorkerVerdict, { kind, cause }: WorkerFailure): Promise<void> {
  const { tx } = t;
  const { workerid, quarantineAfter } = verdict;
  await execute(
    tx,
    `insert into mm_worker_lives (workerid, failures, failure_kind, last_failure) values (?, 1, ?, ?)
     on conflict (workerid) do update set failures = mm_worker_lives.failures + 1, last_failure = excluded.last_failure,
       failure_kind = case when mm_worker_lives.failures = 0 or mm_worker_lives.failure_kind = excluded.failure_kind
                           then excluded.failure_kind else 'mixed' end`,
    [workerid, kind, truncateText(cause, longest.sentence)],
  );
  const [standing] = await readStanding(tx, workerid);
  if (standing === undefined || quarantineAfter === null || standing.failures < quarantineAfter) return;
  const reason = describeFailures(standing, cause);
  if (standing.quarantined === 0 && standing.paused === 1) return;
  // Two masters that judge the last two workers at the same time must not quarantine both.
  await tx.dialect.lockName(tx, "quarantine of workers");
  const dependent = standing.quarantined === 1 ? undefined : await findDependentBuilder(tx, workerid);
  if (dependent === undefined) await quarantine(t, verdict, reason, standing);
  else
    await suspect(
      t,
      workerid,
      `${reason}; it is not quarantined, since no other worker could build ${dependent}`,
      standing,
    );
}

async function quarantine(t: Transition, verdict: WorkerVerdict, reason: string, before: Standing): Promise<void> {
  const { tx } = t;
  const { workerid, probationS } = verdict;
  const { now } = tx.dialect;
  const detail = truncateText(reason, longest.sentence);
  await setWorkerPaused(tx, workerid, true, `quarantined: ${reason}`);
  await execute(
    tx,
    `update mm_worker_lives set paused_by = null, paused_at = null, suspicion = null, quarantine_reason = ?,
       quarantined_at = coalesce(quarantined_at, ${now}), probation_at = ${now} + cast(? as double precision)
      where workerid = ?`,
    [detail, probationS, workerid],
  );
  await beginAbsences(tx, [workerid], { kind: "quarantined", reason: "quarantined", detail, masterid: null });
  if (before.quarantined === 0) t.record("worker-quarantined", workerid, { reason: detail, probation_s: probationS });
  t.outcomes.judgedWorkers.push({ workerid, sentence: `is quarantined: ${reason}` });
  t.outcomes.changedWorkers.push(workerid);
}

async function suspect(t: Transition, workerid: number, reason: string, before: Standing): Promise<void> {
  const suspicion = truncateText(reason, longest.sentence);
  await execute(t.tx, "update mm_worker_lives set suspicion = ? where workerid = ?", [suspicion, workerid]);
  if (before.suspicion === null) t.record("worker-suspected", workerid, { reason: suspicion });
  t.outcomes.judgedWorkers.push({ workerid, sentence: `is suspected: ${reason}` });
  t.outcomes.changedWorkers.push(workerid);
}

function readStanding(tx: Connection, workerid: number): Promise<Standing[]> {
  return queryRows<Standing>(
    tx,
    `select l.failures, l.failure_kind as kind, l.suspicion, case when w.paused <> 0 then 1 else 0 end as paused,
            case when w.paused <> 0 and l.quarantined_at is not null then 1 else 0 end as quarantined
       from mm_worker_lives l join workers w on w.id = l.workerid where l.workerid = ?`,
    [workerid],
  );
}

/** A builder for which this worker is configured and no other one that is connected and takes builds. */
async function findDependentBuilder(tx: Connection, workerid: number): Promise<string | undefined> {
  const [row] = await queryRows<{ name: string }>(
    tx,
    `select b.name from builders b where b.id in ${buildersConfiguredFor("cast(? as integer)")}
       and not exists (select 1 from connected_workers c join workers w on w.id = c.workerid
         where c.workerid <> ? and w.paused = 0 and w.graceful = 0
           and c.workerid in ${workersConfiguredWhere("bm.builderid = b.id")})
      order by b.name limit 1`,
    [workerid, workerid, workerid],
  );
  return row?.name;
}

/** "3 builds in a row lost their connection". */
function describeFailures({ failures, kind }: Standing, cause: string): string {
  if (kind === "connection")
    return `${failures === 1 ? "a build" : `${failures} builds in a row`} lost ${failures === 1 ? "its" : "their"} connection`;
  const builds = failures === 1 ? "a build failed" : `${failures} builds in a row failed`;
  return `${builds} because of this worker, the last one: ${cause}`;
}
