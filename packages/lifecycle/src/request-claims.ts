import { type Claim, claimed, fence, type Lease, lostTo, requireLease } from "@multimaster/cluster";
import {
  type Connection,
  insertIgnore,
  isRequestClaimable,
  isUnapproved,
  queryRows,
  SqlExpression,
} from "@multimaster/database";
import { claimTables } from "./claim-tables.ts";
import type { Transition } from "./transition.ts";

/**
 * Claims as many of these build requests as are free, in one statement; the others are another master's, complete or
 * cancelled, which the claim does not find out. Throws `LeaseLost` if the lease is lost.
 *
 * The request rows are locked against a completion or cancellation at the same moment (both lock the row first). A row
 * that another transaction has locked counts as lost, so claims never wait for each other.
 */
export async function claimRequests(
  connection: Connection,
  lease: Lease,
  requestIds: readonly number[],
): Promise<ReadonlyMap<number, Claim>> {
  if (requestIds.length === 0) return new Map();
  const { dialect } = connection;
  const held = fence(dialect, lease);
  const wanted = dialect.isOneOf("br.id", requestIds);
  const lock = dialect.noKeyUpdateLock === "" ? "" : `${dialect.noKeyUpdateLock} of br${dialect.skipLocked}`;
  const got = await queryRows<{ brid: number }>(
    connection,
    `with held as (${held.sql}),
     free as (
       select br.id from buildrequests br
       where ${wanted.sql} and ${isRequestClaimable("br")} and not ${isUnapproved("br")}
       order by br.id${lock}
     )
     insert into buildrequest_claims (brid, masterid, claimed_at)
     select free.id, held.masterid, ${dialect.nowSeconds} from held cross join free where true
     on conflict (brid) do nothing
     returning brid`,
    [...held.bindings, ...wanted.bindings],
  );
  if (got.length === 0) await requireLease(connection, lease);
  const mine = new Set(got.map(({ brid }) => brid));
  return new Map(requestIds.map((id) => [id, mine.has(id) ? claimed : lostTo(undefined)]));
}

/**
 * Claims a free request only to end it, cancelled or not; false if another master has it. The claim is what keeps a
 * Buildbot master, which knows no other mark, from starting it. The caller holds the request's row.
 */
export async function claimToEnd({ tx, outcomes }: Transition, id: number, masterid: number): Promise<boolean> {
  const rows = await insertIgnore(tx, {
    table: claimTables.request.table,
    rows: [{ brid: id, masterid, claimed_at: new SqlExpression(tx.dialect.nowSeconds) }],
    conflict: [claimTables.request.id],
  });
  if (rows.length === 1) outcomes.claimedRequests.push(id);
  return rows.length === 1;
}
