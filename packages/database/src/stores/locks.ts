import { isLeaseOpen, isRequestClaimable } from "../conditions.ts";
import type { Connection } from "../connection.ts";
import { execute, insertIgnore, queryRows } from "../dialect.ts";
import { fitNullable, longest, truncateText } from "./column-text.ts";

/** A lock by what identifies it, and how much of it there is. */
export interface LockKey {
  readonly name: string;
  /** 0: of the cluster. */
  readonly workerid: number;
  readonly max: number;
}

interface OwnerRow {
  readonly lockid: number;
  readonly buildrequestid: number;
  /** 0: the build itself. */
  readonly stepid: number;
  readonly exclusive: number;
  readonly count: number;
}

export interface HoldRow extends OwnerRow {
  readonly holdid: number;
  readonly masterid: number;
  readonly resource: string | null;
}

export interface WaitRow extends OwnerRow {
  readonly masterid: number;
  readonly since: number;
  readonly priority: number;
}

const ofOpenLease = (alias: string) =>
  `exists (select 1 from mm_leases l where l.masterid = ${alias}.masterid and l.epoch = ${alias}.epoch and ${isLeaseOpen("l")})`;
const isClaimedByIt = (alias: string) =>
  `exists (select 1 from buildrequests br join buildrequest_claims c on c.brid = br.id
     where br.id = ${alias}.buildrequestid and br.complete = 0 and c.masterid = ${alias}.masterid)`;
const hasOpenStep = (alias: string) =>
  `exists (select 1 from steps s where s.id = ${alias}.stepid and s.complete_at is null)`;

/** On `mm_lock_holds`: it counts. What it is for exists, and its master may still write. */
export const isHoldValid = (alias: string): string =>
  `(${ofOpenLease(alias)} and ${isClaimedByIt(alias)} and (${alias}.stepid = 0 or ${hasOpenStep(alias)}))`;

/** On `mm_lock_waits`: it counts. A request that waits is free; the request of a step that waits is its master's. */
export const isWaitValid = (alias: string): string =>
  `(${ofOpenLease(alias)} and case when ${alias}.stepid = 0
      then exists (select 1 from buildrequests fr where fr.id = ${alias}.buildrequestid and ${isRequestClaimable("fr")})
      else ${isClaimedByIt(alias)} and ${hasOpenStep(alias)} end)`;

const keyOf = ({ name, workerid }: Pick<LockKey, "name" | "workerid">) => `${workerid} ${name}`;

/**
 * Makes the rows of locks that have none, and locks all of them in the order of their ids, until the transaction ends: that
 * is the one order in which locks are taken. Returns their ids by `lockKeyOf`.
 */
export async function holdLockRows(tx: Connection, keys: readonly LockKey[]): Promise<ReadonlyMap<string, number>> {
  const byKey = new Map(keys.map((key) => [keyOf(key), key]));
  // In one order, since an insert waits for another of the same key.
  const wanted = [...byKey].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, key]) => key);
  const found = await findLocks(tx, wanted);
  const missing = wanted.filter((key) => !found.has(keyOf(key)));
  if (missing.length > 0)
    await insertIgnore(tx, {
      table: "mm_locks",
      rows: missing.map(({ name, workerid, max }) => ({ name, workerid, max })),
      conflict: ["name", "workerid"],
    });
  const known = missing.length > 0 ? await findLocks(tx, wanted) : found;
  const ids = tx.dialect.isOneOf(
    "lockid",
    [...known.values()].map(({ lockid }) => lockid),
  );
  await queryRows(
    tx,
    `select lockid from mm_locks where ${ids.sql} order by lockid${tx.dialect.noKeyUpdateLock}`,
    ids.bindings,
  );
  for (const key of wanted) {
    const row = known.get(keyOf(key));
    if (row && row.max !== key.max)
      await execute(tx, "update mm_locks set max = ? where lockid = ?", [key.max, row.lockid]);
  }
  return new Map([...known].map(([key, { lockid }]) => [key, lockid]));
}

export const lockKeyOf = keyOf;

async function findLocks(
  tx: Connection,
  keys: readonly LockKey[],
): Promise<ReadonlyMap<string, { lockid: number; max: number }>> {
  const names = tx.dialect.isOneOf("name", [...new Set(keys.map(({ name }) => name))]);
  const rows = await queryRows<{ lockid: number; name: string; workerid: number; max: number }>(
    tx,
    `select lockid, name, workerid, max from mm_locks where ${names.sql}`,
    names.bindings,
  );
  const wanted = new Set(keys.map(keyOf));
  return new Map(rows.filter((row) => wanted.has(keyOf(row))).map((row) => [keyOf(row), row]));
}

/**
 * The holds of locks whose rows the caller holds: those that count, after the others were deleted. One statement decides
 * about each, since a build may end between two, and a row that counted for the first would be in the way of the second.
 */
export async function settleHolds(tx: Connection, lockids: readonly number[]): Promise<HoldRow[]> {
  const ids = tx.dialect.isOneOf("h.lockid", lockids);
  const rows = await queryRows<HoldRow & { valid: number }>(
    tx,
    `select ${holdColumns}, case when ${isHoldValid("h")} then 1 else 0 end as valid
       from mm_lock_holds h where ${ids.sql} order by h.holdid`,
    ids.bindings,
  );
  const isValid = ({ valid }: { readonly valid: number }) => valid === 1;
  const left = rows.filter((row) => !isValid(row)).map(({ holdid }) => holdid);
  if (left.length > 0) await deleteHolds(tx, left);
  return rows.filter(isValid).map(({ valid: _, ...hold }) => hold);
}

/** Deletes waits that do not count any more, of locks whose rows the caller holds. */
export async function deleteInvalidWaits(tx: Connection, lockids: readonly number[]): Promise<void> {
  const ids = tx.dialect.isOneOf("lockid", lockids);
  await execute(tx, `delete from mm_lock_waits where ${ids.sql} and not ${isWaitValid("mm_lock_waits")}`, ids.bindings);
}

const holdColumns = "h.holdid, h.lockid, h.masterid, h.buildrequestid, h.stepid, h.exclusive, h.count, h.resource";

/** The holds of these locks that count. */
export function readHolds(connection: Connection, lockids: readonly number[]): Promise<HoldRow[]> {
  const ids = connection.dialect.isOneOf("h.lockid", lockids);
  return queryRows<HoldRow>(
    connection,
    `select ${holdColumns}
       from mm_lock_holds h where ${ids.sql} and ${isHoldValid("h")} order by h.holdid`,
    ids.bindings,
  );
}

/** Those who wait for any of these locks, with everything that each of them waits for. */
export function readWaits(connection: Connection, lockids: readonly number[]): Promise<WaitRow[]> {
  const ids = connection.dialect.isOneOf("o.lockid", lockids);
  return queryRows<WaitRow>(
    connection,
    `select w.lockid, w.masterid, w.buildrequestid, w.stepid, w.exclusive, w.count, w.since, r.priority
       from mm_lock_waits w join buildrequests r on r.id = w.buildrequestid
      where w.buildrequestid in (select o.buildrequestid from mm_lock_waits o where ${ids.sql}) and ${isWaitValid("w")}`,
    ids.bindings,
  );
}

/** All who wait for a lock: no more than there are running steps and free workers. */
export function readAllWaits(connection: Connection): Promise<(WaitRow & { readonly builderid: number })[]> {
  return queryRows(
    connection,
    `select w.lockid, w.masterid, w.buildrequestid, w.stepid, w.exclusive, w.count, w.since, r.priority, r.builderid
       from mm_lock_waits w join buildrequests r on r.id = w.buildrequestid where ${isWaitValid("w")}`,
  );
}

/** How much there is of locks, as it was last asked for. */
export async function readLockLimits(
  connection: Connection,
  lockids: readonly number[],
): Promise<ReadonlyMap<number, number>> {
  const ids = connection.dialect.isOneOf("lockid", lockids);
  const rows = await queryRows<{ lockid: number; max: number }>(
    connection,
    `select lockid, max from mm_locks where ${ids.sql}`,
    ids.bindings,
  );
  return new Map(rows.map(({ lockid, max }) => [lockid, max]));
}

/** What decides the rank of requests. */
export async function readRanks(
  connection: Connection,
  buildrequestids: readonly number[],
): Promise<ReadonlyMap<number, { priority: number; submittedAt: number; now: number }>> {
  const ids = connection.dialect.isOneOf("id", buildrequestids);
  const rows = await queryRows<{ id: number; priority: number; submittedAt: number; now: number }>(
    connection,
    `select id, priority, submitted_at as "submittedAt", ${connection.dialect.now} as now from buildrequests where ${ids.sql}`,
    ids.bindings,
  );
  return new Map(rows.map(({ id, ...rank }) => [id, rank]));
}

export interface NewHold extends OwnerRow {
  readonly resource: string | null;
}

/** Writes holds of a master; the caller holds the rows of their locks, and has found that they may be had. */
export async function insertHolds(
  tx: Connection,
  { masterid, epoch }: { readonly masterid: number; readonly epoch: number },
  holds: readonly NewHold[],
): Promise<{ holdid: number; lockid: number; buildrequestid: number; stepid: number }[]> {
  if (holds.length === 0) return [];
  const given = tx.dialect.rowsOf(
    ["integer", "integer", "integer", "integer", "integer", "text"],
    holds.map((hold) => [
      hold.lockid,
      hold.buildrequestid,
      hold.stepid,
      hold.exclusive,
      hold.count,
      fitNullable(hold.resource, 200),
    ]),
  );
  return queryRows(
    tx,
    `with v(lockid, buildrequestid, stepid, exclusive, count, resource) as (${given.sql})
     insert into mm_lock_holds (lockid, masterid, epoch, buildrequestid, stepid, exclusive, count, resource, taken_at)
     select lockid, ?, ?, buildrequestid, stepid, exclusive, count, resource, ${tx.dialect.now} from v
     returning holdid, lockid, buildrequestid, stepid`,
    [...given.bindings, masterid, epoch],
  );
}

/** Writes that these wait at this master; who has waited already keeps its time. */
export async function insertWaits(
  tx: Connection,
  { masterid, epoch }: { readonly masterid: number; readonly epoch: number },
  waits: readonly (OwnerRow & { readonly since: number })[],
): Promise<void> {
  await insertIgnore(tx, {
    table: "mm_lock_waits",
    rows: waits.map((wait) => ({ ...wait, masterid, epoch })),
    conflict: ["lockid", "buildrequestid", "stepid", "masterid"],
    returning: ["waitid"],
  });
}

/** Deletes what these wait for at this master; returns the locks. */
export async function deleteWaits(
  tx: Connection,
  masterid: number,
  owners: readonly { readonly buildrequestid: number; readonly stepid: number }[],
): Promise<number[]> {
  const lockids = new Set<number>();
  for (const [stepid, ids] of groupByStep(owners)) {
    const some = tx.dialect.isOneOf("buildrequestid", ids);
    const rows = await queryRows<{ lockid: number }>(
      tx,
      `delete from mm_lock_waits where masterid = ? and stepid = ? and ${some.sql} returning lockid`,
      [masterid, stepid, ...some.bindings],
    );
    for (const { lockid } of rows) lockids.add(lockid);
  }
  return [...lockids];
}

function groupByStep(owners: readonly { readonly buildrequestid: number; readonly stepid: number }[]) {
  const groups = new Map<number, number[]>();
  for (const { buildrequestid, stepid } of owners) groups.set(stepid, [...(groups.get(stepid) ?? []), buildrequestid]);
  return groups;
}

/** Deletes holds by their ids; returns the locks of those that were there. */
export async function deleteHolds(tx: Connection, holdids: readonly number[]): Promise<number[]> {
  const ids = tx.dialect.isOneOf("holdid", holdids);
  const rows = await queryRows<{ lockid: number }>(
    tx,
    `delete from mm_lock_holds where ${ids.sql} returning lockid`,
    ids.bindings,
  );
  return [...new Set(rows.map(({ lockid }) => lockid))].sort((a, b) => a - b);
}

/** A running step waits for locks: its state says so. False: it did before. */
export async function noteStepWaits(tx: Connection, stepid: number, state: string): Promise<boolean> {
  const shown = truncateText(state, longest.sentence);
  const changed = await execute(
    tx,
    `update steps set locks_acquired_at = null, state_string = ?
      where id = ? and complete_at is null and (locks_acquired_at is not null or state_string <> ?)`,
    [shown, stepid, shown],
  );
  return changed > 0;
}

/** A running step that has waited has its locks: notes the time that they took, of the step and of its build. */
export async function noteStepLocks(tx: Connection, stepid: number): Promise<boolean> {
  const rows = await queryRows<{ buildid: number; waited: number }>(
    tx,
    `update steps set locks_acquired_at = ${tx.dialect.nowSeconds}, state_string = 'pending'
      where id = ? and locks_acquired_at is null and complete_at is null
      returning buildid, locks_acquired_at - started_at as waited`,
    [stepid],
  );
  for (const { buildid, waited } of rows)
    await execute(tx, "update builds set locks_duration_s = coalesce(locks_duration_s, 0) + ? where id = ?", [
      Math.max(0, waited),
      buildid,
    ]);
  return rows.length > 0;
}
