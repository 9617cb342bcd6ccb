import type { Connection } from "../connection.ts";
import { execute, insertIgnore, queryRows } from "../dialect.ts";

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
  const start = { schedulerid, spec, since_at: tx.sql.raw(tx.dialect.now), floor: tx.sql.raw(newestBuildset) };
  await insertIgnore(tx, { table: "mm_scheduler_starts", rows: [start as never], conflict: ["schedulerid"] });
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
  const row = { schedulerid, ...slot, buildsetid: null, decided_at: tx.sql.raw(tx.dialect.now) };
  const conflict = ["schedulerid", "kind", "slot"];
  return (await insertIgnore(tx, { table: "mm_scheduler_slots", rows: [row as never], conflict })).length > 0;
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
