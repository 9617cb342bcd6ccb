import { type Claim, claimedOf, type Lease } from "@multimaster/cluster";
import { beginAbsences, type Connection, endAbsences, execute, isLeaseLive, queryRows } from "@multimaster/database";
import type { Outcomes } from "./outcomes.ts";
import { releaseClaims } from "./release-claims.ts";
import { type Transition, transition } from "./transition.ts";
import { claimWorkers } from "./worker-claims.ts";

/** Why a worker left its master: a word for programs, and what is known beyond it. */
export interface Departure {
  readonly reason:
    | "connection_lost"
    | "closed_by_worker"
    | "shut_down"
    | "revoked"
    | "rebalanced"
    | "master_drained"
    | "master_stopped"
    | "master_lost";
  readonly detail: string | null;
}

/** Workers come to this master: `claimWorkers`, and the absences of those that it gets end. */
export async function attachWorkers(
  tx: Connection,
  lease: Lease,
  workerids: readonly number[],
): Promise<{ result: ReadonlyMap<number, Claim>; outcomes: Outcomes }> {
  return transition(tx, async (t) => {
    const claims = await claimWorkers(tx, lease, workerids);
    const returned = await endAbsences(tx, claimedOf(claims), "away");
    for (const workerid of returned) t.record("worker-returned", workerid, { masterid: lease.masterid });
    return claims;
  });
}

/** A worker leaves this master, if this master has it. */
export async function detachWorker(
  tx: Connection,
  lease: Lease,
  workerid: number,
  departure: Departure,
): Promise<Outcomes> {
  const { outcomes } = await transition(tx, async (t) => {
    const released = await releaseClaims(t, lease, "worker", [workerid]);
    await noteDepartures(t, lease.masterid, released, departure);
  });
  return outcomes;
}

/** Notes that workers which a master had are attached to none from now on, or since that time. */
export function noteDepartures(
  { tx }: Transition,
  masterid: number,
  workerids: readonly number[],
  departure: Departure,
  since?: number,
): Promise<void> {
  return beginAbsences(tx, workerids, { kind: "away", masterid, since, ...departure });
}

/**
 * An engine must have been there for so long before a worker that it waits for counts as missing: a worker that finds no
 * master tries again after up to five minutes.
 */
const engineGraceS = 300;

/** Workers that are reported in one transaction. */
const mostAtOnce = 500;

/**
 * Reports workers that are away for longer than their `missingTimeout`, each absence once: the row that is updated decides
 * between masters that poll at the same time. While no engine is configured for a worker, no one waits for it, and no one waits
 * for a worker whose account was revoked.
 */
export async function reportMissingWorkers(tx: Connection): Promise<Outcomes> {
  const { now, updateLock, skipLocked } = tx.dialect;
  const { outcomes } = await transition(tx, async (t) => {
    await endUnnotedAbsences(tx);
    const lock = updateLock === "" ? "" : `${updateLock} of a${skipLocked}`;
    const rows = await queryRows<{ id: number; workerid: number; began: number; owner: string | null }>(
      tx,
      `select a.id, a.workerid, a.began_at as began, l.owner
         from mm_worker_absences a join mm_worker_lives l on l.workerid = a.workerid
        where a.ended_at is null and a.kind = 'away' and a.missing_at is null and a.began_at <= ${now} - l.missing_timeout_s
          and coalesce(a.reason, '') <> 'revoked'
          and exists (select 1 from mm_worker_set_members m join mm_builder_workers bw on bw.setid = m.setid
            join builder_masters bm on bm.id = bw.buildermasterid join mm_leases e on e.masterid = bm.masterid
           where m.workerid = a.workerid and ${isLeaseLive("e", now)} and e.state <> 'draining' and e.joined_at
             <= ${now} - case when l.missing_timeout_s < ${engineGraceS} then l.missing_timeout_s else ${engineGraceS} end)
        order by a.id limit ${mostAtOnce}${lock}`,
    );
    const wanted = tx.dialect.isOneOf(
      "id",
      rows.map(({ id }) => id),
    );
    if (rows.length > 0)
      await execute(tx, `update mm_worker_absences set missing_at = ${now} where ${wanted.sql}`, wanted.bindings);
    for (const { workerid, began, owner } of rows) {
      const lastConnection = new Date(began * 1000).toISOString();
      const notify = owner === null ? [] : [owner];
      t.record("worker-missing", workerid, { last_connection: lastConnection, notify });
      t.outcomes.missingWorkers.push({ workerid, lastConnection, notify });
    }
  });
  return outcomes;
}

/** Masters of the release before attach workers without ending their absences. */
async function endUnnotedAbsences(tx: Connection): Promise<void> {
  await execute(
    tx,
    `update mm_worker_absences set ended_at = ${tx.dialect.now} where ended_at is null and kind = 'away'
       and exists (select 1 from connected_workers c where c.workerid = mm_worker_absences.workerid)`,
  );
}
