import { isRequestClaimable, isRequestDue } from "../conditions.ts";
import type { Connection } from "../connection.ts";
import { queryRows } from "../dialect.ts";
import { type PendingRow, pendingColumns } from "./buildrequests.ts";

/** Builders of one statement: each is a select of its own, which the index serves however many requests wait. */
const mostBuilders = 100;

/** The first requests of each builder that may be claimed: of each the highest priority first, then the oldest. */
export function firstRequests(
  connection: Connection,
  builderids: readonly number[],
  each: number,
): Promise<PendingRow[]> {
  const condition = `${isRequestClaimable("r")} and ${isRequestDue("r", connection.dialect.now)}`;
  const one = `select * from (select ${pendingColumns} from buildrequests r where r.builderid = ? and ${condition}
     order by r.priority desc, r.submitted_at, r.id limit ?) x`;
  return readEach(
    connection,
    builderids.map((id) => ({ sql: one, bindings: [id, each] })),
  );
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
