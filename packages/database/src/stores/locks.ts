import type { Connection } from "../connection.ts";
import { execute, insertIgnore, queryRows } from "../dialect.ts";
import { fitNullable } from "./column-text.ts";
import { commandsOfHold, isHoldCurrent, isHoldValid, isWaitValid, mayStillRun } from "./lock-conditions.ts";

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

/** A hold; `stepid` is negative if its build was lost, and its command may still run. */
export interface HoldRow extends OwnerRow {
  readonly holdid: number;
  readonly masterid: number;
  readonly resource: string | null;
}

export interface WaitRow extends OwnerRow {
  readonly masterid: number;
  readonly since: number;
  readonly priority: number;
  /** 1: its request has locks already, or a build waits for it. */
  readonly goesOn: number;
}

const keyOf = ({ name, workerid }: Pick<LockKey, "name" | "workerid">) => `${workerid} ${name}`;

/**
 * Makes the rows of locks that have none, and locks all of them in the order of their ids, until the transaction ends: that
 * is the one order in which locks are taken. Returns their ids by `lockKeyOf`.
 */
export async function holdLockRows(tx: Connection, keys: readonly LockKey[]): Promise<ReadonlyMap<string, number>> {
  const byKey = new Map(keys.map((key) => [keyOf(key), key]));
  // In one order, since an insert waits for another of the same key.
  const wanted = [...byKey].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, key]) => key);
  let known = await findLocks(tx, wanted);
  for (;;) {
    const missing = wanted.filter((key) => !known.has(keyOf(key)));
    if (missing.length > 0) {
      await insertLocks(tx, missing);
      known = await findLocks(tx, wanted);
    }
    const ids = [...known.values()].map(({ lockid }) => lockid);
    const held = new Set(await lockRows(tx, ids));
    if (held.size === ids.length) break;
    // Some were deleted meanwhile, since no one had asked for them for long.
    known = new Map([...known].filter(([, { lockid }]) => held.has(lockid)));
  }
  await noteAsked(tx, wanted, known);
  return new Map([...known].map(([key, { lockid }]) => [key, lockid]));
}

async function lockRows(tx: Connection, lockids: readonly number[]): Promise<number[]> {
  const ids = tx.dialect.isOneOf("lockid", lockids);
  const rows = await queryRows<{ lockid: number }>(
    tx,
    `select lockid from mm_locks where ${ids.sql} order by lockid${tx.dialect.noKeyUpdateLock}`,
    ids.bindings,
  );
  return rows.map(({ lockid }) => lockid);
}

async function insertLocks(tx: Connection, locks: readonly LockKey[]): Promise<void> {
  const given = tx.dialect.rowsOf(
    ["text", "integer", "integer"],
    locks.map(({ name, workerid, max }) => [name, workerid, max]),
  );
  await execute(
    tx,
    `with v(name, workerid, max) as (${given.sql})
     insert into mm_locks (name, workerid, max, asked_at)
     select name, workerid, max, ${tx.dialect.now} from v where true on conflict (name, workerid) do nothing`,
    given.bindings,
  );
}

/** A limit that has changed, and that someone asks for them, which is written once an hour. */
async function noteAsked(tx: Connection, wanted: readonly LockKey[], known: FoundLocks): Promise<void> {
  for (const key of wanted) {
    const row = known.get(keyOf(key));
    if (row === undefined || (row.max === key.max && row.unasked < 3600)) continue;
    const values = [key.max, row.lockid];
    await execute(tx, `update mm_locks set max = ?, asked_at = ${tx.dialect.now} where lockid = ?`, values);
  }
}

export const lockKeyOf = keyOf;

type FoundLocks = ReadonlyMap<string, { readonly lockid: number; readonly max: number; readonly unasked: number }>;

async function findLocks(tx: Connection, keys: readonly LockKey[]): Promise<FoundLocks> {
  const names = tx.dialect.isOneOf("name", [...new Set(keys.map(({ name }) => name))]);
  const rows = await queryRows<{ lockid: number; name: string; workerid: number; max: number; unasked: number }>(
    tx,
    `select lockid, name, workerid, max, ${tx.dialect.now} - asked_at as unasked from mm_locks where ${names.sql}`,
    names.bindings,
  );
  const wanted = new Set(keys.map(keyOf));
  return new Map(rows.filter((row) => wanted.has(keyOf(row))).map((row) => [keyOf(row), row]));
}

/**
 * The holds of locks whose rows the caller holds: those that count, after the others were deleted. One statement decides
 * about each, since a build may end between two, and a row that counted for the first would be in the way of the second.
 * Those of lost builds get an owner of their own, since their request may be built again.
 */
export async function settleHolds(tx: Connection, lockids: readonly number[]): Promise<HoldRow[]> {
  const ids = tx.dialect.isOneOf("h.lockid", lockids);
  const rows = await queryRows<HoldRow & { standing: "current" | "lost" | "over" }>(
    tx,
    `select ${holdColumns}, case when ${isHoldCurrent("h")} then 'current'
         when ${mayStillRun("h")} then 'lost' else 'over' end as standing
       from mm_lock_holds h where ${ids.sql} order by h.holdid`,
    ids.bindings,
  );
  const idsOf = (wanted: string) => rows.filter(({ standing }) => standing === wanted).map(({ holdid }) => holdid);
  const over = idsOf("over");
  if (over.length > 0) await deleteHolds(tx, over);
  const lost = idsOf("lost");
  if (lost.length > 0) await markLost(tx, lost);
  return rows
    .filter(({ standing }) => standing !== "over")
    .map(({ standing, ...hold }) => (standing === "lost" ? { ...hold, stepid: -hold.holdid } : hold));
}

async function markLost(tx: Connection, holdids: readonly number[]): Promise<void> {
  const ids = tx.dialect.isOneOf("holdid", holdids);
  await execute(
    tx,
    `update mm_lock_holds set stepid = -holdid,
       lost_buildid = (select min(kb.id) from builds kb join mm_commands k on ${commandsOfHold("mm_lock_holds")})
      where lost_buildid is null and ${ids.sql}`,
    ids.bindings,
  );
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

/** SQL, of a request: it has locks already, or a build waits for it. */
const goesOn = (request: string) =>
  `case when ${request}.waited_for = 1
     or exists (select 1 from mm_lock_holds g where g.buildrequestid = ${request}.id) then 1 else 0 end as "goesOn"`;

/** Those who wait for any of these locks, with everything that each of them waits for. */
export function readWaits(connection: Connection, lockids: readonly number[]): Promise<WaitRow[]> {
  const ids = connection.dialect.isOneOf("o.lockid", lockids);
  return queryRows<WaitRow>(
    connection,
    `select w.lockid, w.masterid, w.buildrequestid, w.stepid, w.exclusive, w.count, w.since, r.priority, ${goesOn("r")}
       from mm_lock_waits w join buildrequests r on r.id = w.buildrequestid
      where w.buildrequestid in (select o.buildrequestid from mm_lock_waits o where ${ids.sql}) and ${isWaitValid("w")}`,
    ids.bindings,
  );
}

/**
 * All who wait for a lock: running steps, and requests that an engine has tried. Those are as many as there were free workers, and
 * about five of each lock that functions name: an engine that knows the lock to be taken keeps their rows, and does not try them again.
 */
export function readAllWaits(
  connection: Connection,
): Promise<(WaitRow & { readonly builderid: number; readonly now: number })[]> {
  return queryRows(
    connection,
    `select w.lockid, w.masterid, w.buildrequestid, w.stepid, w.exclusive, w.count, w.since, r.priority, r.builderid, ${goesOn("r")},
            ${connection.dialect.now} as now
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

interface RequestFacts {
  readonly priority: number;
  readonly submittedAt: number;
  readonly now: number;
  /** 1: it has locks already, or a build waits for it. */
  readonly goesOn: number;
}

/** What decides the rank of requests. */
export async function readRanks(
  connection: Connection,
  buildrequestids: readonly number[],
): Promise<ReadonlyMap<number, RequestFacts>> {
  const ids = connection.dialect.isOneOf("r.id", buildrequestids);
  const rows = await queryRows<RequestFacts & { readonly id: number }>(
    connection,
    `select r.id, r.priority, r.submitted_at as "submittedAt", ${connection.dialect.now} as now, ${goesOn("r")}
       from buildrequests r where ${ids.sql}`,
    ids.bindings,
  );
  return new Map(rows.map(({ id, ...rank }) => [id, rank]));
}

export interface NewHold extends OwnerRow {
  readonly resource: string | null;
  /** How long it stays taken if its build is lost. */
  readonly keepMs: number;
}

/** Writes holds of a master; the caller holds the rows of their locks, and has found that they may be had. */
export async function insertHolds(
  tx: Connection,
  { masterid, epoch }: { readonly masterid: number; readonly epoch: number },
  holds: readonly NewHold[],
): Promise<{ holdid: number; lockid: number; buildrequestid: number; stepid: number }[]> {
  if (holds.length === 0) return [];
  const given = tx.dialect.rowsOf(
    ["integer", "integer", "integer", "integer", "integer", "text", "integer"],
    holds.map((hold) => [
      hold.lockid,
      hold.buildrequestid,
      hold.stepid,
      hold.exclusive,
      hold.count,
      fitNullable(hold.resource, 200),
      hold.keepMs,
    ]),
  );
  return queryRows(
    tx,
    `with v(lockid, buildrequestid, stepid, exclusive, count, resource, keep_ms) as (${given.sql})
     insert into mm_lock_holds (lockid, masterid, epoch, buildrequestid, stepid, exclusive, count, resource, keep_ms, taken_at)
     select lockid, ?, ?, buildrequestid, stepid, exclusive, count, resource, keep_ms, ${tx.dialect.now} from v
     returning holdid, lockid, buildrequestid, stepid`,
    [...given.bindings, masterid, epoch],
  );
}

/** Writes that these wait at this master; who has waited already keeps its time. */
export async function insertWaits(
  tx: Connection,
  { masterid, epoch }: { readonly masterid: number; readonly epoch: number },
  waits: readonly (OwnerRow & { readonly since: number })[],
): Promise<{ readonly buildrequestid: number; readonly stepid: number }[]> {
  return insertIgnore(tx, {
    table: "mm_lock_waits",
    rows: waits.map((wait) => ({ ...wait, masterid, epoch })),
    conflict: ["lockid", "buildrequestid", "stepid", "masterid"],
    returning: ["buildrequestid", "stepid"],
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
export function deleteHolds(tx: Connection, holdids: readonly number[]): Promise<number[]> {
  return deleteSome(tx, holdids, "");
}

/** Deletes holds of what has ended. One whose command may still run stays, and counts, as that of a lost build. */
export function releaseHolds(tx: Connection, holdids: readonly number[]): Promise<number[]> {
  return deleteSome(tx, holdids, ` and lost_buildid is null and not ${mayStillRun("mm_lock_holds")}`);
}

async function deleteSome(tx: Connection, holdids: readonly number[], condition: string): Promise<number[]> {
  const ids = tx.dialect.isOneOf("holdid", holdids);
  const rows = await queryRows<{ lockid: number }>(
    tx,
    `delete from mm_lock_holds where ${ids.sql}${condition} returning lockid`,
    ids.bindings,
  );
  return [...new Set(rows.map(({ lockid }) => lockid))].sort((a, b) => a - b);
}
