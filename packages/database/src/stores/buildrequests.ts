import { claimantOf, isRequestFree } from "../conditions.ts";
import type { Connection } from "../connection.ts";
import { execute, type Fragment, queryRows } from "../dialect.ts";
import { together } from "../together.ts";
import { waitsForAdoption } from "./adoptable-builds.ts";
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

/** Of a `PendingRow`, of `buildrequests r`. */
export const pendingColumns = `r.id as buildrequestid, r.builderid, r.buildsetid, r.priority, r.submitted_at as "submittedAt",
            coalesce((select engine_deaths from mm_request_losses l where l.buildrequestid = r.id), 0) as "engineDeaths",
            coalesce((select worker_losses from mm_request_losses l where l.buildrequestid = r.id), 0) as "workerLosses",
            coalesce(r.waited_for, 0) as "waitedFor"`;

/** How often builds of a request were lost, and whether a running build waits for it. */
export type RequestLosses = Pick<PendingRow, "engineDeaths" | "workerLosses" | "waitedFor">;

export async function readLosses(connection: Connection, brid: number): Promise<RequestLosses> {
  const sql = `select ${pendingColumns} from buildrequests r where r.id = ?`;
  const [row] = await queryRows<PendingRow>(connection, sql, [brid]);
  return { engineDeaths: row?.engineDeaths ?? 0, workerLosses: row?.workerLosses ?? 0, waitedFor: row?.waitedFor ?? 0 };
}

export interface LockedRequest {
  id: number;
  buildsetid: number;
  builderid: number;
  complete: boolean;
  /** The master that has claimed it. */
  claimedBy: number | null;
  cancelled: boolean;
  /** A build of it runs on that master. */
  isBuilt: boolean;
}

/**
 * Reads requests and locks their rows: whatever starts, ends, releases or cancels one of their builds takes this lock first,
 * so that these acts come one after the other. Claim, cancellation and build are read in a second statement, since a first one
 * that had to wait would show them as they were before. Both are sent at once; the server does them in this order.
 */
export async function lockRequests(tx: Connection, ids: readonly number[]): Promise<LockedRequest[]> {
  return ids.length === 0 ? [] : lockRequestsWhere(tx, tx.dialect.isOneOf("id", ids));
}

/** The same of the requests of builds. */
export async function lockRequestsOfBuilds(tx: Connection, buildids: readonly number[]): Promise<LockedRequest[]> {
  const built = tx.dialect.isOneOf("id", buildids);
  const sql = `id in (select buildrequestid from builds where ${built.sql})`;
  return lockRequestsWhere(tx, { sql, bindings: built.bindings });
}

async function lockRequestsWhere(tx: Connection, wanted: Fragment): Promise<LockedRequest[]> {
  const [rows, states] = await Promise.all([
    queryRows<{ id: number; buildsetid: number; builderid: number; complete: number | null }>(
      tx,
      `select id, buildsetid, builderid, complete from buildrequests where ${wanted.sql} order by id${tx.dialect.noKeyUpdateLock}`,
      wanted.bindings,
    ),
    queryRows<{ id: number; claimed_by: number | null; cancelled: number; built: number }>(
      tx,
      `select id, c.masterid as claimed_by,
              (select count(*) from mm_cancellations where buildrequestid = id) as cancelled,
              (select count(*) from builds b
                where b.buildrequestid = buildrequests.id and b.complete_at is null and b.masterid = c.masterid) as built
         from buildrequests left join buildrequest_claims c on c.brid = id where ${wanted.sql}`,
      wanted.bindings,
    ),
  ]);
  const byId = new Map(states.map((state) => [state.id, state]));
  return rows.map((row) => ({
    ...row,
    complete: row.complete === 1,
    claimedBy: byId.get(row.id)?.claimed_by ?? null,
    cancelled: Number(byId.get(row.id)?.cancelled) > 0,
    isBuilt: Number(byId.get(row.id)?.built) > 0,
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

/** On `buildrequests r`: a master (the parameter) has claimed it, and its build waits for no other one to adopt it. */
const isClaimedBy = `${claimantOf("r")} = ? and not ${waitsForAdoption("r")}`;

/** Incomplete requests claimed by a master, without those whose build waits for another one; it reads all that are open. */
export async function openRequestsClaimedBy(connection: Connection, masterid: number): Promise<number[]> {
  const rows = await queryRows<{ id: number }>(
    connection,
    `select r.id from buildrequests r where r.complete = 0 and ${isClaimedBy} order by r.id`,
    [masterid],
  );
  return rows.map((row) => row.id);
}

/** The same among these requests. */
export async function openRequestsAmong(
  connection: Connection,
  masterid: number,
  ids: readonly number[],
): Promise<number[]> {
  if (ids.length === 0) return [];
  const wanted = connection.dialect.isOneOf("r.id", ids);
  const rows = await queryRows<{ id: number }>(
    connection,
    `select r.id from buildrequests r where ${wanted.sql} and r.complete = 0 and ${isClaimedBy} order by r.id`,
    [...wanted.bindings, masterid],
  );
  return rows.map((row) => row.id);
}

/** Of the first open requests behind one, as many as `limit`: those that the master has claimed, and the last one. */
export async function openRequestsAfter(
  connection: Connection,
  masterid: number,
  { after, limit }: { readonly after: number; readonly limit: number },
): Promise<{ claimed: number[]; last: number | undefined }> {
  const rows = await queryRows<{ id: number; mine: number }>(
    connection,
    `select r.id, case when ${isClaimedBy} then 1 else 0 end as mine from buildrequests r
      where r.complete = 0 and r.id > ? order by r.id limit ?`,
    [masterid, after, limit],
  );
  const claimed = rows.filter(({ mine }) => mine === 1).map(({ id }) => id);
  return { claimed, last: rows.length < limit ? undefined : rows.at(-1)?.id };
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
  sourcestampid: number | null;
  /** 1: other requests have collapsed into it. */
  survives: number;
}

/** Requests as their builds need them: a row for each source stamp, in their order. */
export async function getRequests(connection: Connection, brids: readonly number[]): Promise<RequestRow[]> {
  const wanted = connection.dialect.isOneOf("r.id", brids);
  return queryRows<RequestRow>(
    connection,
    `select r.id as buildrequestid, r.buildsetid, r.builderid, s.reason, r.waited_for as "waitedFor", bss.sourcestampid,
            case when exists (select 1 from mm_request_ends e where e.into_requestid = r.id) then 1 else 0 end as survives
       from buildrequests r join buildsets s on s.id = r.buildsetid
       left join buildset_sourcestamps bss on bss.buildsetid = r.buildsetid
      where ${wanted.sql} order by bss.id`,
    wanted.bindings,
  );
}

/** A condition on the id of a source stamp: one of these requests has it. */
export function ofRequests({ dialect }: Connection, ssid: string, brids: readonly number[]): Fragment {
  const wanted = dialect.isOneOf("r.id", brids);
  return {
    sql: `${ssid} in (select bss.sourcestampid from buildrequests r
      join buildset_sourcestamps bss on bss.buildsetid = r.buildsetid where ${wanted.sql})`,
    bindings: wanted.bindings,
  };
}

export async function setRequestPriority(connection: Connection, brid: number, priority: number): Promise<boolean> {
  return (
    (await execute(connection, "update buildrequests set priority = ? where id = ?", [fitInteger(priority), brid])) ===
    1
  );
}
