import { isLeaseLive, isRequestClaimable } from "../conditions.ts";
import type { Connection } from "../connection.ts";
import { queryRows } from "../dialect.ts";
import { type PendingRow, pendingColumns } from "./buildrequests.ts";

/**
 * Builders of which this master is the sole engine now: the others that have them are dead, starting or draining. A real
 * Buildbot master has no lease; it counts while it is active.
 */
export async function buildersOnlyHere(connection: Connection, masterid: number): Promise<number[]> {
  const { now } = connection.dialect;
  const rows = await queryRows<{ builderid: number }>(
    connection,
    `select mine.builderid from builder_masters mine
     where mine.masterid = ? and not exists (
       select 1 from builder_masters bm join masters m on m.id = bm.masterid left join mm_leases l on l.masterid = bm.masterid
       where bm.builderid = mine.builderid and bm.masterid <> mine.masterid and m.active = 1
         and (l.masterid is null or (${isLeaseLive("l", now)} and l.state = 'running')))
     order by mine.builderid`,
    [masterid],
  );
  return rows.map((row) => row.builderid);
}

/**
 * Free requests of these builders that a running build of this master waits for, directly or through builds that run
 * elsewhere. No other master may be able to run them, and that build cannot end before they do.
 */
export async function awaitedRequests(
  connection: Connection,
  masterid: number,
  builderids: readonly number[],
  limit: number,
): Promise<PendingRow[]> {
  if (builderids.length === 0) return [];
  const wanted = connection.dialect.isOneOf("r.builderid", builderids);
  return queryRows(
    connection,
    `with recursive waiting(buildid) as (
       select b.id from builds b where b.masterid = ? and b.complete_at is null
       union
       select b.id from waiting w join buildsets s on s.parent_buildid = w.buildid
         join buildrequests r on r.buildsetid = s.id and r.waited_for = 1 and r.complete = 0
         join builds b on b.buildrequestid = r.id and b.complete_at is null
     )
     select ${pendingColumns}
     from waiting w join buildsets s on s.parent_buildid = w.buildid
       join buildrequests r on r.buildsetid = s.id and r.waited_for = 1 and r.complete = 0
     where ${wanted.sql} and ${isRequestClaimable("r")}
     order by r.priority desc, r.submitted_at, r.id limit ?`,
    [masterid, ...wanted.bindings, limit],
  );
}
