import { type Connection, isLeaseOpen, queryRows } from "@multimaster/database";
import type { Lease } from "./lease.ts";

/** Releases that know this data version read the sets of workers (mm_worker_sets), and not configured_workers. */
const readsSetsFrom = 2;

/**
 * Whether masters live that read configured_workers: a Buildbot master, which has no lease, or a master of a release that
 * does not know sets of workers. One of another release that knows them needs no row for each worker of each builder.
 */
export async function hasOtherReaders(connection: Connection, lease: Lease): Promise<boolean> {
  const rows = await queryRows(
    connection,
    `select 1 from masters m left join mm_leases l on l.masterid = m.id and ${isLeaseOpen("l")}
      where m.active = 1 and m.id <> ?
        and (l.masterid is null or l.data_version < ?) limit 1`,
    [lease.masterid, readsSetsFrom],
  );
  return rows.length > 0;
}
