import { pythonJson, type SourcedProperties } from "@multimaster/core";
import type { Connection } from "../connection.ts";
import { execute, queryRows } from "../dialect.ts";
import { parseProperty } from "./buildsets.ts";
import { fitInteger, longest, truncateText } from "./column-text.ts";
import { insertRows } from "./insert-rows.ts";

/** As the columns have it. */
const longestPropertyName = 256;

/** A source stamp of a request, as far as it decides whether the request is compatible with another one. */
export interface ComparedStamp {
  buildrequestid: number;
  codebase: string;
  repository: string;
  project: string;
  branch: string | null;
  revision: string | null;
  patched: number;
  changed: number;
}

export function comparedStamps(connection: Connection, ids: readonly number[]): Promise<ComparedStamp[]> {
  const wanted = connection.dialect.isOneOf("r.id", ids);
  return queryRows<ComparedStamp>(
    connection,
    `select r.id as buildrequestid, s.codebase, s.repository, s.project, s.branch, s.revision,
            case when s.patchid is null then 0 else 1 end as patched,
            case when exists (select 1 from changes c where c.sourcestampid = s.id) then 1 else 0 end as changed
       from buildrequests r join buildset_sourcestamps b on b.buildsetid = r.buildsetid
       join sourcestamps s on s.id = b.sourcestampid
      where ${wanted.sql} order by r.id, s.codebase, s.id`,
    wanted.bindings,
  );
}

/** Those of these requests that build a newer change of some codebase than `survivor` does. */
export async function requestsAhead(
  connection: Connection,
  survivor: number,
  ids: readonly number[],
): Promise<ReadonlySet<number>> {
  const wanted = connection.dialect.isOneOf("r.id", ids);
  const newestOf = (which: string) => `select r.id, s.codebase, max(c.changeid) as newest
         from buildrequests r join buildset_sourcestamps b on b.buildsetid = r.buildsetid
         join sourcestamps s on s.id = b.sourcestampid join changes c on c.sourcestampid = s.id
        where ${which} group by r.id, s.codebase`;
  const rows = await queryRows<{ id: number }>(
    connection,
    `select distinct o.id from (${newestOf(wanted.sql)}) o
       join (${newestOf("r.id = ?")}) n on n.codebase = o.codebase where o.newest > n.newest`,
    [...wanted.bindings, survivor],
  );
  return new Set(rows.map(({ id }) => id));
}

/** Notes that requests have collapsed into one. What had collapsed into them is from now on built by that one as well. */
export async function insertCollapsed(tx: Connection, ids: readonly number[], into: number): Promise<void> {
  const moved = tx.dialect.isOneOf("into_requestid", ids);
  await execute(tx, `update mm_request_ends set into_requestid = ? where ${moved.sql}`, [into, ...moved.bindings]);
  const given = tx.dialect.rowsOf(
    ["integer"],
    ids.map((id) => [id]),
  );
  await execute(
    tx,
    `with v(id) as (${given.sql})
     insert into mm_request_ends (buildrequestid, kind, into_requestid, reason, ended_at)
     select id, 'collapsed', ${fitInteger(into)}, null, ${tx.dialect.now} from v`,
    given.bindings,
  );
}

/** A request takes the best place in the queue that these have, itself among them. */
export async function takeBestPlace(tx: Connection, id: number, among: readonly number[]): Promise<void> {
  const wanted = tx.dialect.isOneOf("o.id", among);
  const best = (what: string) => `(select ${what} from buildrequests o where ${wanted.sql})`;
  await execute(
    tx,
    `update buildrequests set priority = ${best("max(o.priority)")}, submitted_at = ${best("min(o.submitted_at)")} where id = ?`,
    [...wanted.bindings, ...wanted.bindings, id],
  );
}

/** Notes why a request was cancelled. */
export async function insertCancelledEnd(tx: Connection, id: number, reason: string): Promise<void> {
  await execute(
    tx,
    `insert into mm_request_ends (buildrequestid, kind, into_requestid, reason, ended_at)
     values (?, 'cancelled', null, ?, ${tx.dialect.now}) on conflict (buildrequestid) do nothing`,
    [id, truncateText(reason, longest.sentence)],
  );
}

/** The same of requests whose cancellation is answered now. */
export async function keepCancellations(tx: Connection, ids: readonly number[]): Promise<void> {
  const wanted = tx.dialect.isOneOf("buildrequestid", ids);
  await execute(
    tx,
    `insert into mm_request_ends (buildrequestid, kind, into_requestid, reason, ended_at)
     select buildrequestid, 'cancelled', null, reason, ${tx.dialect.now} from mm_cancellations where ${wanted.sql}
     on conflict (buildrequestid) do nothing`,
    wanted.bindings,
  );
}

/** Properties that a request has beside those of its buildset: they win over these. */
export async function saveRequestProperties(
  tx: Connection,
  buildrequestid: number,
  properties: SourcedProperties,
): Promise<void> {
  const names = Object.keys(properties).map((name) => truncateText(name, longestPropertyName));
  const replaced = tx.dialect.isOneOf("property_name", names);
  await execute(tx, `delete from mm_request_properties where buildrequestid = ? and ${replaced.sql}`, [
    buildrequestid,
    ...replaced.bindings,
  ]);
  const rows = Object.entries(properties).map(([name, [value, source]]) => ({
    buildrequestid,
    property_name: truncateText(name, longestPropertyName),
    property_value: pythonJson([value, source]),
  }));
  await insertRows(tx, "mm_request_properties", rows);
}

/** A source stamp of a request that has collapsed into another one. */
export interface CollapsedStamp {
  into: number;
  buildrequestid: number;
  ssid: number;
}

/** The source stamps of the requests that have collapsed into these. */
export function collapsedInto(connection: Connection, ids: readonly number[]): Promise<CollapsedStamp[]> {
  const wanted = connection.dialect.isOneOf("e.into_requestid", ids);
  return queryRows<CollapsedStamp>(
    connection,
    `select e.into_requestid as "into", e.buildrequestid, b.sourcestampid as ssid from mm_request_ends e
       join buildrequests r on r.id = e.buildrequestid join buildset_sourcestamps b on b.buildsetid = r.buildsetid
      where ${wanted.sql} order by e.buildrequestid, b.id`,
    wanted.bindings,
  );
}

/** The properties that these requests have beside those of their buildsets, by request. */
export async function ownPropertiesOfRequests(
  connection: Connection,
  ids: readonly number[],
): Promise<Map<number, SourcedProperties>> {
  const wanted = connection.dialect.isOneOf("buildrequestid", ids);
  const rows = await queryRows<{ buildrequestid: number; name: string; value: string }>(
    connection,
    `select buildrequestid, property_name as name, property_value as value from mm_request_properties where ${wanted.sql}`,
    wanted.bindings,
  );
  const properties = new Map<number, SourcedProperties>();
  for (const { buildrequestid, name, value } of rows) {
    const pair = Object.fromEntries(parseProperty(name, value));
    properties.set(buildrequestid, { ...properties.get(buildrequestid), ...pair });
  }
  return properties;
}
