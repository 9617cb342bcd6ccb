import { isLeaseOpen, isRequestFree } from "../conditions.ts";
import type { Connection } from "../connection.ts";
import { queryRows } from "../dialect.ts";

/** A builder for which requests wait. */
export interface PendingBuilder {
  builderid: number;
  builder: string;
  requests: number;
  /** Seconds since the oldest was made. */
  waits: number;
}

/** The builders for which requests wait that no master has claimed. */
export function readPendingBuilders(connection: Connection): Promise<PendingBuilder[]> {
  return readPending(connection, "1 = 1", []);
}

/** Those of them that no live master has, apart from `leaving`, which drains; those that drain already count for nothing. */
export function readStrandedBuilders(connection: Connection, leaving?: number): Promise<PendingBuilder[]> {
  const { now } = connection.dialect;
  const staying = leaving === undefined ? "" : "and bm.masterid <> ? and (l.masterid is null or l.state <> 'draining')";
  return readPending(
    connection,
    `not exists (
       select 1 from builder_masters bm join masters m on m.id = bm.masterid and m.active = 1
         left join mm_leases l on l.masterid = bm.masterid and ${isLeaseOpen("l")}
        where bm.builderid = p.builderid and (l.masterid is null or l.expires_at > ${now}) ${staying})`,
    leaving === undefined ? [] : [leaving],
  );
}

async function readPending(
  connection: Connection,
  condition: string,
  bindings: readonly unknown[],
): Promise<PendingBuilder[]> {
  const rows = await queryRows<PendingBuilder>(
    connection,
    `select p.builderid, p.requests, ${connection.dialect.now} - p.since as waits,
            (select b.name from builders b where b.id = p.builderid) as builder
       from (select br.builderid, count(*) as requests, min(br.submitted_at) as since from buildrequests br
              where ${isRequestFree("br")}
              group by br.builderid) p
      where ${condition} order by p.requests desc, p.builderid`,
    bindings,
  );
  return rows.map((row) => ({ ...row, requests: Number(row.requests) }));
}
