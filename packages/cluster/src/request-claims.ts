import { type Connection, queryRows } from "@multimaster/database";
import { fence, type Lease, leaseIsHeld, requireLease } from "./lease.ts";

/**
 * Claims as many of these build requests as are free, in one statement, and gives the ids it got; those that it did not
 * get are somebody else's, complete or cancelled by now. Throws `LeaseLost` when the lease is.
 *
 * The request rows are locked against a completion or cancellation at the same moment (both lock the row first); a row that
 * somebody has locked counts as lost, so claims never wait for each other.
 */
export async function claimRequests(
  connection: Connection,
  lease: Lease,
  requestIds: readonly number[],
): Promise<number[]> {
  if (requestIds.length === 0) return [];
  const { dialect } = connection;
  const held = fence(dialect, lease);
  const wanted = dialect.isOneOf("br.id", requestIds);
  const lock = dialect.noKeyUpdateLock === "" ? "" : `${dialect.noKeyUpdateLock} of br${dialect.skipLocked}`;
  const claimed = await queryRows<{ brid: number }>(
    connection,
    `with held as (${held.sql}),
     free as (
       select br.id from buildrequests br
       where ${wanted.sql} and br.complete = 0
         and not exists (select 1 from mm_cancellations c where c.buildrequestid = br.id)
         and not exists (select 1 from buildrequest_claims c where c.brid = br.id)
       order by br.id${lock}
     )
     insert into buildrequest_claims (brid, masterid, claimed_at)
     select free.id, held.masterid, ${dialect.nowSeconds} from held cross join free where true
     on conflict (brid) do nothing
     returning brid`,
    [...held.bindings, ...wanted.bindings],
  );
  if (claimed.length === 0) await requireLease(connection, lease);
  return claimed.map((row) => row.brid).sort((a, b) => a - b);
}

/** Gives claims of incomplete build requests back, and returns the ids of those that were ours. */
export async function releaseRequests(
  connection: Connection,
  lease: Lease,
  requestIds: readonly number[],
): Promise<number[]> {
  if (requestIds.length === 0) return [];
  const wanted = connection.dialect.isOneOf("brid", requestIds);
  const released = await queryRows<{ brid: number }>(
    connection,
    `delete from buildrequest_claims
     where ${wanted.sql} and masterid = ?
       and brid in (select id from buildrequests where complete = 0)
       and exists (select 1 from mm_leases where ${leaseIsHeld})
     returning brid`,
    [...wanted.bindings, lease.masterid, lease.masterid, lease.epoch],
  );
  return released.map((row) => row.brid).sort((a, b) => a - b);
}
