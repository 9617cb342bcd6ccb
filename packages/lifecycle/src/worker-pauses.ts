import { beginAbsences, endAbsences, execute, fitNullable, longest, setWorkerPaused } from "@multimaster/database";
import type { Transition } from "./transition.ts";

export interface Pause {
  readonly workerid: number;
  readonly reason: string | null;
  /** The user who asked for it; null: another program. */
  readonly by: string | null;
}

/** A user pauses a worker: it gets no new builds until a user resumes it, whatever restarts meanwhile. */
export async function pauseWorker(t: Transition, { workerid, reason, by }: Pause): Promise<boolean> {
  const { tx } = t;
  if (!(await setWorkerPaused(tx, workerid, true, reason))) return false;
  await execute(
    tx,
    `insert into mm_worker_lives (workerid, paused_by, paused_at) values (?, ?, ${tx.dialect.now})
     on conflict (workerid) do update set paused_by = excluded.paused_by, paused_at = excluded.paused_at,
       quarantined_at = null, quarantine_reason = null, probation_at = null`,
    [workerid, fitNullable(by, longest.name)],
  );
  await endAbsences(tx, [workerid], "quarantined");
  const detail = [by === null ? undefined : `by ${by}`, reason === null || reason === "" ? undefined : reason];
  const said = detail.filter((part) => part !== undefined).join(": ");
  await beginAbsences(tx, [workerid], { kind: "paused", reason: "paused", detail: said, masterid: null });
  t.record("worker-paused", workerid, { by, reason });
  return true;
}

/** A user resumes a worker that was paused or quarantined: what its builds failed of is forgotten. */
export async function resumeWorker(t: Transition, workerid: number, by: string | null): Promise<boolean> {
  if (!(await setWorkerPaused(t.tx, workerid, false, null))) return false;
  await forgetFailures(t, workerid);
  t.record("worker-resumed", workerid, { by });
  return true;
}

/** Nothing is held against the worker any more. */
export async function forgetFailures({ tx }: Transition, workerid: number): Promise<void> {
  await execute(
    tx,
    `update mm_worker_lives set paused_by = null, paused_at = null, failures = 0, failure_kind = null, last_failure = null,
       suspicion = null, quarantined_at = null, quarantine_reason = null, probation_at = null where workerid = ?`,
    [workerid],
  );
  await endAbsences(tx, [workerid], "paused");
  await endAbsences(tx, [workerid], "quarantined");
}
