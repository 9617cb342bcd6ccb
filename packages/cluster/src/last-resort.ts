import { type Connection, queryRows } from "@multimaster/database";
import type { Lease } from "./lease.ts";

/**
 * Builders of this master that no other master would run now: it is dead, starting or draining, or there is none. A real
 * Buildbot master has no lease; it counts while it is active.
 */
export async function buildersOnlyHere(connection: Connection, lease: Lease): Promise<number[]> {
  const { now } = connection.dialect;
  const rows = await queryRows<{ builderid: number }>(
    connection,
    `select mine.builderid from builder_masters mine
     where mine.masterid = ? and not exists (
       select 1 from builder_masters bm join masters m on m.id = bm.masterid left join mm_leases l on l.masterid = bm.masterid
       where bm.builderid = mine.builderid and bm.masterid <> mine.masterid and m.active = 1
         and (l.masterid is null or (l.buried_at is null and l.ended_at is null and l.state = 'running' and l.expires_at > ${now})))
     order by mine.builderid`,
    [lease.masterid],
  );
  return rows.map((row) => row.builderid);
}

/**
 * Free requests of these builders that a running build of this master waits for, directly or through builds that run
 * elsewhere: nobody else may be able to run them, and until they are done that build cannot end.
 */
export async function awaitedRequests(
  connection: Connection,
  lease: Lease,
  builderids: readonly number[],
  limit: number,
): Promise<{ buildrequestid: number; builderid: number }[]> {
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
     select r.id as buildrequestid, r.builderid
     from waiting w join buildsets s on s.parent_buildid = w.buildid
       join buildrequests r on r.buildsetid = s.id and r.waited_for = 1 and r.complete = 0
     where ${wanted.sql}
       and not exists (select 1 from buildrequest_claims c where c.brid = r.id)
       and not exists (select 1 from mm_cancellations x where x.buildrequestid = r.id)
     order by r.priority desc, r.submitted_at, r.id limit ?`,
    [lease.masterid, ...wanted.bindings, limit],
  );
}
