import { pythonJson } from "@multimaster/core";
import type { Connection } from "../connection.ts";
import { execute, insertIgnore, queryRows } from "../dialect.ts";
import { SqlExpression } from "../sql.ts";

/** What a scheduler decides once: a time of its timetable, or a buildset of another scheduler. */
export type SlotKind = "time" | "buildset";

/** Since when a scheduler counts slots, and the newest slot of the clock that it has decided. */
export interface SlotStart {
  /** The database's clock, in seconds since 1970. */
  now: number;
  since: number;
  last: number | null;
}

const newestBuildset = "(select coalesce(max(id), 0) from buildsets)";

/** Begins to count slots, or continues: those from before count unless `spec` is another one. */
export async function openSlots(tx: Connection, schedulerid: number, spec: string): Promise<SlotStart> {
  const start = {
    schedulerid,
    spec,
    since_at: new SqlExpression(tx.dialect.now),
    floor: new SqlExpression(newestBuildset),
  };
  await insertIgnore(tx, { table: "mm_scheduler_starts", rows: [start], conflict: ["schedulerid"] });
  await execute(
    tx,
    `update mm_scheduler_starts set spec = ?, since_at = ${tx.dialect.now}, floor = ${newestBuildset} where schedulerid = ? and spec <> ?`,
    [spec, schedulerid, spec],
  );
  const [row] = await queryRows<SlotStart>(
    tx,
    `select ${tx.dialect.now} as now, s.since_at as since,
            (select max(slot) from mm_scheduler_slots t where t.schedulerid = s.schedulerid and t.kind = 'time') as last
       from mm_scheduler_starts s where s.schedulerid = ?`,
    [schedulerid],
  );
  return row as SlotStart;
}

/** Forgets everything up to now that was not decided. */
export async function restartSlots(tx: Connection, schedulerid: number): Promise<void> {
  await execute(
    tx,
    `update mm_scheduler_starts set since_at = ${tx.dialect.now}, floor = ${newestBuildset} where schedulerid = ?`,
    [schedulerid],
  );
}

export interface NewSlot {
  kind: SlotKind;
  slot: number;
  outcome: string;
  passed: number;
}

/** Takes a slot; false if it is taken, by whichever master. */
export async function takeSlot(tx: Connection, schedulerid: number, slot: NewSlot): Promise<boolean> {
  const row = { schedulerid, ...slot, buildsetid: null, decided_at: new SqlExpression(tx.dialect.now) };
  const conflict = ["schedulerid", "kind", "slot"];
  return (await insertIgnore(tx, { table: "mm_scheduler_slots", rows: [row], conflict })).length > 0;
}

export async function setSlotBuildset(
  tx: Connection,
  schedulerid: number,
  { kind, slot }: Pick<NewSlot, "kind" | "slot">,
  bsid: number,
): Promise<void> {
  await execute(tx, "update mm_scheduler_slots set buildsetid = ? where schedulerid = ? and kind = ? and slot = ?", [
    bsid,
    schedulerid,
    kind,
    slot,
  ]);
}

/** How many slots of the clock are kept of each scheduler. */
export const slotsKept = 100;

/** Deletes old slots of the clock. The newest one stays: the next is counted from it. */
export async function pruneSlots(tx: Connection, schedulerid: number): Promise<void> {
  await execute(
    tx,
    `delete from mm_scheduler_slots where schedulerid = ? and kind = 'time' and slot <
      (select min(slot) from (select slot from mm_scheduler_slots where schedulerid = ? and kind = 'time'
        order by slot desc limit ${slotsKept}) newest)`,
    [schedulerid, schedulerid],
  );
}

const schedulerProperty = (name: string) => pythonJson([name, "Scheduler"]);

/**
 * Buildsets of some schedulers that have succeeded, and of which this one has decided nothing, oldest first. What has collapsed
 * was built by another request: if that one's buildset is followed, it counts instead; if not, its success counts. Only ids
 * above `after`, at most `limit`.
 */
export async function undecidedBuildsets(
  connection: Connection,
  schedulerid: number,
  of: readonly string[],
  { after, limit }: { readonly after: number; readonly limit: number },
): Promise<number[]> {
  const names = of.map(schedulerProperty);
  const wanted = connection.dialect.isOneOf("p.property_value", names);
  const followed = connection.dialect.isOneOf("ip.property_value", names);
  // SUCCESS or WARNINGS. A rebuild says nothing about the rest of its buildset.
  const rows = await queryRows<{ id: number }>(
    connection,
    `select b.id from buildsets b join buildset_properties p on p.buildsetid = b.id and p.property_name = 'scheduler'
      where b.id > (select floor from mm_scheduler_starts where schedulerid = ?) and b.id > ? and b.complete = 1 and b.results in (0, 1)
        and b.rebuilt_buildid is null and ${wanted.sql} and not exists (
          select 1 from mm_scheduler_slots t where t.schedulerid = ? and t.kind = 'buildset' and t.slot = b.id)
        and not exists (select 1 from buildrequests r join mm_request_ends e on e.buildrequestid = r.id and e.kind = 'collapsed'
          join buildrequests i on i.id = e.into_requestid join buildsets ib on ib.id = i.buildsetid
          where r.buildsetid = b.id and (i.complete = 0 or i.results not in (0, 1) or ib.rebuilt_buildid is null and exists (
            select 1 from buildset_properties ip
             where ip.buildsetid = ib.id and ip.property_name = 'scheduler' and ${followed.sql})))
      order by b.id limit ?`,
    [schedulerid, after, ...wanted.bindings, schedulerid, ...followed.bindings, limit],
  );
  return rows.map(({ id }) => id);
}

/** No transaction that adds a buildset is open for so long, so ids below one that ended that long ago do not appear any more. */
const settledSeconds = 3600;

/**
 * Moves the floor up to below the first buildset that is open, or not decided, or new, or of which a request has collapsed into
 * one that is open; and forgets what lies below.
 */
export async function raiseBuildsetFloor(tx: Connection, schedulerid: number, of: readonly string[]): Promise<void> {
  const [row] = await queryRows<{ settled: number | null; open: number | null }>(
    tx,
    `select (select max(id) from buildsets where id > (select floor from mm_scheduler_starts where schedulerid = ?)
        and complete = 1 and complete_at < ${tx.dialect.nowSeconds} - ${settledSeconds}) as settled,
      (select min(id) from (select id from buildsets where complete = 0
         union all select r.buildsetid from buildrequests i
           join mm_request_ends e on e.into_requestid = i.id and e.kind = 'collapsed'
           join buildrequests r on r.id = e.buildrequestid where i.complete = 0) o) as open`,
    [schedulerid],
  );
  if (row?.settled == null) return;
  const [undecided] = await undecidedBuildsets(tx, schedulerid, of, { after: 0, limit: 1 });
  const limits = [row.settled, (row.open ?? row.settled + 1) - 1, (undecided ?? row.settled + 1) - 1];
  const floor = Math.min(limits[0] as number, limits[1] as number, limits[2] as number);
  await execute(tx, "update mm_scheduler_starts set floor = ? where schedulerid = ? and floor < ?", [
    floor,
    schedulerid,
    floor,
  ]);
  await execute(
    tx,
    `delete from mm_scheduler_slots where schedulerid = ? and kind = 'buildset'
        and slot <= (select floor from mm_scheduler_starts where schedulerid = ?)`,
    [schedulerid, schedulerid],
  );
}

/** A source stamp of a buildset, and a change that has it. */
export interface BuildsetSource {
  buildsetid: number;
  ssid: number;
  branch: string | null;
  revision: string | null;
  repository: string;
  project: string;
  codebase: string;
  changeid: number | null;
}

/** Source stamps, with the changes that have them: one row for each change, or one without. */
export function readSources(
  connection: Connection,
  ssids: readonly number[],
): Promise<Omit<BuildsetSource, "buildsetid">[]> {
  const wanted = connection.dialect.isOneOf("s.id", ssids);
  return queryRows(
    connection,
    `select s.id as ssid, s.branch, s.revision, s.repository, s.project, s.codebase, c.changeid
       from sourcestamps s left join changes c on c.sourcestampid = s.id where ${wanted.sql} order by s.id, c.changeid`,
    wanted.bindings,
  );
}

/** The source stamps of buildsets, with the changes that have them: one row for each change, or one without. */
export function sourcesOfBuildsets(connection: Connection, bsids: readonly number[]): Promise<BuildsetSource[]> {
  const wanted = connection.dialect.isOneOf("b.buildsetid", bsids);
  return queryRows(
    connection,
    `select b.buildsetid, s.id as ssid, s.branch, s.revision, s.repository, s.project, s.codebase, c.changeid
       from buildset_sourcestamps b join sourcestamps s on s.id = b.sourcestampid left join changes c on c.sourcestampid = s.id
      where ${wanted.sql} order by b.buildsetid, s.id, c.changeid`,
    wanted.bindings,
  );
}
