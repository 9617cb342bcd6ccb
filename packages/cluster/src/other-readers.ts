import { type Connection, isLeaseOpen, queryRows } from "@multimaster/database";
import type { Lease } from "./lease.ts";

/**
 * Whether masters live that know nothing of our newest tables: a Buildbot master, which has no lease, or a master of another
 * release.
 */
export async function hasOtherReaders(connection: Connection, lease: Lease): Promise<boolean> {
  const rows = await queryRows(
    connection,
    `select 1 from masters m left join mm_leases l on l.masterid = m.id and ${isLeaseOpen("l")}
      where m.active = 1 and m.id <> ?
        and (l.masterid is null or l.release <> (select release from mm_leases where masterid = ?)) limit 1`,
    [lease.masterid, lease.masterid],
  );
  return rows.length > 0;
}
