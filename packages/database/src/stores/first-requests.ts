import { isRequestClaimable, isRequestDue } from "../conditions.ts";
import type { Connection } from "../connection.ts";
import { queryRows } from "../dialect.ts";
import { type PendingRow, pendingColumns } from "./buildrequests.ts";

/** Builders of one statement: each is a select of its own, which the index serves however many requests wait. */
const mostBuilders = 100;

/** Requests that are read of each builder at first. */
const leastOfBuilder = 12;

/**
 * Requests that may be claimed: highest priority first, then the oldest. They are the first `limit` of all these builders, and
 * behind them some of each other builder: what stands in front may wait for something, while those can start. Each builder's
 * are read by the index mm_pending_requests: what it costs depends on the builders and the limit, not on how many wait.
 */
export async function pendingRequests(
  connection: Connection,
  builderids: readonly number[],
  limit: number,
): Promise<PendingRow[]> {
  const found = new Map<number, PendingRow[]>();
  let wanted = builderids;
  let each = Math.min(limit, Math.max(leastOfBuilder, Math.ceil(limit / builderids.length)));
  for (;;) {
    for (const id of wanted) found.set(id, []);
    for (const row of await firstRequests(connection, wanted, each)) found.get(row.builderid)?.push(row);
    const sorted = [...found.values()].flat().sort(compareRanks);
    const counts = new Map<number, number>();
    for (const { builderid } of sorted.slice(0, limit)) counts.set(builderid, (counts.get(builderid) ?? 0) + 1);
    // More of these may belong to the first ones.
    wanted = [...counts].filter(([, count]) => count >= each).map(([id]) => id);
    if (wanted.length === 0 || each >= limit) return sorted;
    each = Math.min(limit, each * 4);
  }
}

/** Highest priority first, then the oldest. */
function compareRanks(a: RequestRank, b: RequestRank): number {
  return b.priority - a.priority || a.submittedAt - b.submittedAt || a.buildrequestid - b.buildrequestid;
}

/** The first requests of each builder that may be claimed: of each the highest priority first, then the oldest. */
export function firstRequests(
  connection: Connection,
  builderids: readonly number[],
  each: number,
): Promise<PendingRow[]> {
  const condition = `${isRequestClaimable("r")} and ${isRequestDue("r", connection.dialect.now)}`;
  const selectOf = (builder: string) => `select ${pendingColumns} from buildrequests r
      where r.builderid = ${builder} and ${condition} order by r.priority desc, r.submitted_at, r.id limit ?`;
  if (connection.dialect.name === "postgresql") {
    // One short statement, since planning a select of each builder takes longer than running it.
    const sql = `select x.* from unnest(?::integer[]) as b(id) cross join lateral (${selectOf("b.id")}) x`;
    return queryRows(connection, sql, [builderids, each]);
  }
  const one = `select * from (${selectOf("?")}) x`;
  return readEach(
    connection,
    builderids.map((id) => ({ sql: one, bindings: [id, each] })),
  );
}

/** Where a request stands among those of its builder. */
type RequestRank = Pick<PendingRow, "buildrequestid" | "builderid" | "priority" | "submittedAt">;

/** Requests that may be claimed and stand behind these ones of their builders, at most `each` of a builder, by rank. */
export async function requestsBehind(
  connection: Connection,
  ranks: readonly RequestRank[],
  each: number,
): Promise<PendingRow[]> {
  const condition = `r.builderid = ? and ${isRequestClaimable("r")} and ${isRequestDue("r", connection.dialect.now)}`;
  const found = await readEach(
    connection,
    ranks.flatMap(({ builderid, priority, submittedAt, buildrequestid }) => [
      // Two selects, since the index serves each of them from its first row on.
      {
        sql: `select * from (select ${pendingColumns} from buildrequests r where ${condition}
          and r.priority = ? and (r.submitted_at, r.id) > (?, ?) order by r.submitted_at, r.id limit ?) x`,
        bindings: [builderid, priority, submittedAt, buildrequestid, each],
      },
      {
        sql: `select * from (select ${pendingColumns} from buildrequests r where ${condition}
          and r.priority < ? order by r.priority desc, r.submitted_at, r.id limit ?) x`,
        bindings: [builderid, priority, each],
      },
    ]),
  );
  const counts = new Map<number, number>();
  return found.sort(compareRanks).filter(({ builderid }) => {
    const count = (counts.get(builderid) ?? 0) + 1;
    counts.set(builderid, count);
    return count <= each;
  });
}

/** Those of these requests that may be claimed, by rank. */
export async function claimableAmong(connection: Connection, ids: readonly number[]): Promise<PendingRow[]> {
  if (ids.length === 0) return [];
  const some = connection.dialect.isOneOf("r.id", ids);
  const rows = await queryRows<PendingRow>(
    connection,
    `select ${pendingColumns} from buildrequests r
      where ${some.sql} and ${isRequestClaimable("r")} and ${isRequestDue("r", connection.dialect.now)}`,
    some.bindings,
  );
  return rows.sort(compareRanks);
}

/** The newest requests of each builder that may be claimed, among those of the highest priority below `below`. */
export function newestRequests(
  connection: Connection,
  wanted: readonly { readonly builderid: number; readonly below: number | null; readonly limit: number }[],
): Promise<PendingRow[]> {
  const condition = (alias: string) =>
    `${isRequestClaimable(alias)} and ${isRequestDue(alias, connection.dialect.now)}`;
  return readEach(
    connection,
    wanted.map(({ builderid, below, limit }) => ({
      sql: `select * from (select ${pendingColumns} from buildrequests r
        where r.builderid = ? and ${condition("r")} and r.priority = (select t.priority from buildrequests t
          where t.builderid = ? and ${condition("t")} ${below === null ? "" : "and t.priority < ?"}
          order by t.priority desc, t.submitted_at, t.id limit 1)
        order by r.submitted_at desc, r.id desc limit ?) x`,
      bindings: [builderid, builderid, ...(below === null ? [] : [below]), limit],
    })),
  );
}

/** The rows of many selects, each of one builder. */
export async function readEach<Row extends object = PendingRow>(
  connection: Connection,
  selects: readonly { readonly sql: string; readonly bindings: readonly unknown[] }[],
): Promise<Row[]> {
  const rows: Row[] = [];
  for (let from = 0; from < selects.length; from += mostBuilders) {
    const some = selects.slice(from, from + mostBuilders);
    const sql = some.map((one) => one.sql).join(" union all ");
    for (const row of await queryRows<Row>(
      connection,
      sql,
      some.flatMap((one) => one.bindings),
    ))
      rows.push(row);
  }
  return rows;
}

/** When the last build of each builder began, in seconds since 1970; builders without a build are left out. */
export async function lastBuildTimes(
  connection: Connection,
  builderids: readonly number[],
): Promise<ReadonlyMap<number, number>> {
  const wanted = connection.dialect.isOneOf("u.id", builderids);
  const rows = await queryRows<{ builderid: number; at: number | null }>(
    connection,
    `select u.id as builderid,
            (select b.started_at from builds b where b.builderid = u.id order by b.number desc limit 1) as at
       from builders u where ${wanted.sql}`,
    wanted.bindings,
  );
  return new Map(rows.flatMap(({ builderid, at }) => (at === null ? [] : [[builderid, at] as const])));
}
