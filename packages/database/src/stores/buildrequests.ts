import { claimantOf, isRequestClaimable, isRequestFree } from "../conditions.ts";
import type { Connection } from "../connection.ts";
import { execute, queryRows } from "../dialect.ts";
import { together } from "../together.ts";
import { fitInteger, longest, truncateText } from "./column-text.ts";

export interface PendingRow {
  buildrequestid: number;
  builderid: number;
  buildsetid: number;
  priority: number;
  submittedAt: number;
  /** How often its builds were lost with their engine, and with their worker. */
  engineDeaths: number;
  workerLosses: number;
  waitedFor: number;
}

/** Requests that may be claimed: highest priority first, then the oldest. Served by the index mm_pending_requests. */
export async function pendingRequests(
  connection: Connection,
  builderids: readonly number[],
  limit: number,
): Promise<PendingRow[]> {
  const wanted = connection.dialect.isOneOf("r.builderid", builderids);
  return queryRows<PendingRow>(
    connection,
    `select r.id as buildrequestid, r.builderid, r.buildsetid, r.priority, r.submitted_at as "submittedAt",
            coalesce((select engine_deaths from mm_request_losses l where l.buildrequestid = r.id), 0) as "engineDeaths",
            coalesce((select worker_losses from mm_request_losses l where l.buildrequestid = r.id), 0) as "workerLosses",
            coalesce(r.waited_for, 0) as "waitedFor"
       from buildrequests r
      where ${wanted.sql} and ${isRequestClaimable("r")}
      order by r.priority desc, r.submitted_at, r.id limit ?`,
    [...wanted.bindings, limit],
  );
}

export interface LockedRequest {
  id: number;
  buildsetid: number;
  builderid: number;
  complete: boolean;
  /** The master that has claimed it. */
  claimedBy: number | null;
  cancelled: boolean;
}

/**
 * Reads a request and locks its row: whatever starts, ends, releases or cancels one of its builds takes this lock first, so
 * that these acts come one after the other. Claim and cancellation are read in a second statement, since a first one
 * that had to wait would show them as they were before.
 */
export async function lockRequests(tx: Connection, ids: readonly number[]): Promise<LockedRequest[]> {
  if (ids.length === 0) return [];
  const wanted = tx.dialect.isOneOf("id", ids);
  const rows = await queryRows<{ id: number; buildsetid: number; builderid: number; complete: number | null }>(
    tx,
    `select id, buildsetid, builderid, complete from buildrequests where ${wanted.sql} order by id${tx.dialect.noKeyUpdateLock}`,
    wanted.bindings,
  );
  const states = await queryRows<{ id: number; claimed_by: number | null; cancelled: number }>(
    tx,
    `select id, (select masterid from buildrequest_claims where brid = id) as claimed_by,
            (select count(*) from mm_cancellations where buildrequestid = id) as cancelled
       from buildrequests where ${wanted.sql}`,
    wanted.bindings,
  );
  const byId = new Map(states.map((state) => [state.id, state]));
  return rows.map((row) => ({
    ...row,
    complete: row.complete === 1,
    claimedBy: byId.get(row.id)?.claimed_by ?? null,
    cancelled: Number(byId.get(row.id)?.cancelled) > 0,
  }));
}

/** The same of one request. */
export const lockRequest = together(async (tx, ids: readonly number[]) => {
  const locked = new Map((await lockRequests(tx, [...new Set(ids)])).map((request) => [request.id, request]));
  return ids.map((id) => locked.get(id));
});

/** Notes that the request is not wanted any more, whichever master has it. */
export async function insertCancellation(tx: Connection, brid: number, reason: string): Promise<void> {
  const sql = `insert into mm_cancellations (buildrequestid, reason, requested_at) values (?, ?, ${tx.dialect.now})
    on conflict (buildrequestid) do nothing`;
  await execute(tx, sql, [brid, truncateText(reason, longest.sentence)]);
}

/** Cancelled requests that no master has: their engine died, or released them, before it could end them. */
export async function freeCancelledRequests(connection: Connection): Promise<number[]> {
  const rows = await queryRows<{ id: number }>(
    connection,
    `select r.id from mm_cancellations x join buildrequests r on r.id = x.buildrequestid
      where ${isRequestFree("r")}
      order by r.id limit 1000`,
  );
  return rows.map((row) => row.id);
}

/** Removes cancellations that have been answered, such as those that a master of an earlier release left at an eviction. */
export async function deleteAnsweredCancellations(connection: Connection): Promise<void> {
  await execute(
    connection,
    "delete from mm_cancellations where buildrequestid in (select id from buildrequests where id = mm_cancellations.buildrequestid and complete = 1)",
  );
}

/** Incomplete requests claimed by a master. */
export async function openRequestsClaimedBy(connection: Connection, masterid: number): Promise<number[]> {
  const rows = await queryRows<{ id: number }>(
    connection,
    `select r.id from buildrequests r where r.complete = 0 and ${claimantOf("r")} = ? order by r.id`,
    [masterid],
  );
  return rows.map((row) => row.id);
}

/** Requests that wait for builders of a master. */
export async function countPendingRequestsOf(connection: Connection, masterid: number): Promise<number> {
  const rows = await queryRows<{ count: number }>(
    connection,
    `select count(*) as count from buildrequests r
      where ${isRequestFree("r")} and r.builderid in (select builderid from builder_masters where masterid = ?)`,
    [masterid],
  );
  return rows[0]?.count ?? 0;
}

/** The id of the newest build of the cluster; 0 when there is none. */
export async function newestBuildId(connection: Connection): Promise<number> {
  const rows = await queryRows<{ id: number | null }>(connection, "select max(id) as id from builds");
  return rows[0]?.id ?? 0;
}

/** Where these requests stand; those that do not exist are left out. */
export async function requestStates(
  connection: Connection,
  ids: readonly number[],
): Promise<{ id: number; complete: boolean; claimedBy: number | null }[]> {
  const wanted = connection.dialect.isOneOf("r.id", ids);
  const rows = await queryRows<{ id: number; complete: number | null; masterid: number | null }>(
    connection,
    `select r.id, r.complete, c.masterid from buildrequests r left join buildrequest_claims c on c.brid = r.id
      where ${wanted.sql}`,
    wanted.bindings,
  );
  return rows.map((row) => ({ id: row.id, complete: row.complete === 1, claimedBy: row.masterid }));
}

export interface RequestRow {
  buildrequestid: number;
  buildsetid: number;
  builderid: number;
  reason: string | null;
  waitedFor: number | null;
}

export async function getRequests(connection: Connection, brids: readonly number[]): Promise<RequestRow[]> {
  const wanted = connection.dialect.isOneOf("r.id", brids);
  return queryRows<RequestRow>(
    connection,
    `select r.id as buildrequestid, r.buildsetid, r.builderid, s.reason, r.waited_for as "waitedFor"
       from buildrequests r join buildsets s on s.id = r.buildsetid where ${wanted.sql}`,
    wanted.bindings,
  );
}

/** The changes of these source stamps, oldest first. */
export async function changesOfSourceStamps(
  connection: Connection,
  ssids: readonly number[],
): Promise<{ sourcestampid: number; changeid: number }[]> {
  const wanted = connection.dialect.isOneOf("sourcestampid", ssids);
  return queryRows(
    connection,
    `select sourcestampid, changeid from changes where ${wanted.sql} order by changeid`,
    wanted.bindings,
  );
}

export async function setRequestPriority(connection: Connection, brid: number, priority: number): Promise<boolean> {
  return (
    (await execute(connection, "update buildrequests set priority = ? where id = ?", [fitInteger(priority), brid])) ===
    1
  );
}
