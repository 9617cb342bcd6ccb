import { isRequestCancelled, isRequestFree } from "../conditions.ts";
import type { Connection } from "../connection.ts";
import { execute, insertIgnore, queryRows } from "../dialect.ts";

/** A builder of which requests wait for longer than some time, with the oldest of these. */
export interface LongWait {
  readonly builderid: number;
  readonly buildrequestid: number;
  /** How many wait so long; of a long queue only the oldest are counted. */
  readonly requests: number;
  readonly waitedS: number;
}

/** Oldest requests of the queue that are read, and builders that one round reports. */
const most = { requests: 5000, builders: 50 };

/** SQL: it waits, and has waited since then: a request whose build was lost begins to wait again. */
const waitsSince = (alias: string, time: string) =>
  `${isRequestFree(alias)} and not ${isRequestCancelled(alias)} and ${alias}.submitted_at <= ${time}
    and not exists (select 1 from builds b where b.buildrequestid = ${alias}.id and b.complete_at > ${time})`;

/** Builders whose requests wait for longer than that, and of which this was not found before. */
export async function findLongWaits(connection: Connection, afterS: number): Promise<LongWait[]> {
  const { nowSeconds } = connection.dialect;
  const time = `${nowSeconds} - ${Math.floor(afterS)}`;
  const rows = await queryRows<LongWait & Record<"requests" | "waitedS", unknown>>(
    connection,
    `select q.builderid, min(q.id) as buildrequestid, count(*) as requests, max(${nowSeconds} - q.submitted_at) as "waitedS"
       from (select r.id, r.builderid, r.submitted_at from buildrequests r where ${waitsSince("r", time)}
             order by r.id limit ${most.requests}) q
      where not exists (select 1 from mm_long_waits w where w.builderid = q.builderid and w.after_s = ?)
      group by q.builderid order by min(q.id) limit ${most.builders}`,
    [afterS],
  );
  return rows.map((row) => ({ ...row, requests: Number(row.requests), waitedS: Number(row.waitedS) }));
}

/** Notes that these were found; returns those builders that no other master has noted before. */
export async function insertLongWaits(
  tx: Connection,
  afterS: number,
  waits: readonly LongWait[],
): Promise<ReadonlySet<number>> {
  if (waits.length === 0) return new Set();
  const wanted = tx.dialect.isOneOf(
    "builderid",
    waits.map(({ builderid }) => builderid),
  );
  const known = await queryRows<{ builderid: number }>(
    tx,
    `select builderid from mm_long_waits where after_s = ? and ${wanted.sql}`,
    [afterS, ...wanted.bindings],
  );
  const fresh = waits.filter(({ builderid }) => !known.some((row) => row.builderid === builderid));
  const [clock] = await queryRows<{ now: number }>(tx, `select ${tx.dialect.now} as now`);
  const rows = fresh.map(({ builderid, buildrequestid }) => ({
    builderid,
    after_s: afterS,
    buildrequestid,
    noted_at: Number(clock?.now),
  }));
  if (rows.length > 0) await insertIgnore(tx, { table: "mm_long_waits", rows, conflict: ["builderid", "after_s"] });
  return new Set(fresh.map(({ builderid }) => builderid));
}

/** Forgets builders of which no request waits so long any more, and times that no reporter names any more. */
export async function deleteLongWaits(tx: Connection, afterS: readonly number[]): Promise<void> {
  const kept = tx.dialect.isOneOf("after_s", afterS);
  await execute(
    tx,
    `delete from mm_long_waits where not (${kept.sql}) or not exists (select 1 from buildrequests r
       where r.builderid = mm_long_waits.builderid and ${waitsSince("r", `${tx.dialect.nowSeconds} - mm_long_waits.after_s`)})`,
    kept.bindings,
  );
}
