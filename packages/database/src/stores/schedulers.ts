import type { Connection } from "../connection.ts";
import { execute, type Fragment, insertIgnore, queryRows } from "../dialect.ts";
import { findOrCreateNamed } from "./named-rows.ts";

/**
 * Finds or creates schedulers, and cursors of those that follow changes. The first of a fresh database begin at the first change; one that is
 * new beside others begins after the newest, and so does one that Buildbot has run until now.
 */
export async function registerSchedulers(
  tx: Connection,
  names: readonly string[],
  followers: readonly string[],
): Promise<Map<string, number>> {
  await tx.dialect.lockName(tx, "schedulers");
  const [first] = await queryRows<{ floor: number }>(
    tx,
    "select case when exists (select 1 from schedulers) then (select coalesce(max(changeid), 0) from changes) else 0 end as floor",
  );
  const { ids } = await findOrCreateNamed(tx, "schedulers", names);
  const rows = followers
    .map((name) => ids.get(name) as number)
    .sort((a, b) => a - b)
    .map((schedulerid) => ({ schedulerid, floor: first?.floor ?? 0 }));
  await insertIgnore(tx, { table: "mm_scheduler_cursors", rows, conflict: ["schedulerid"] });
  return ids;
}

/**
 * Whether this master has the scheduler. Held to the end of the transaction: it cannot be released, nor can another
 * write on its behalf begin, before this one is committed.
 */
export async function holdScheduler(tx: Connection, schedulerid: number, masterid: number): Promise<boolean> {
  const rows = await queryRows<{ masterid: number }>(
    tx,
    `select masterid from scheduler_masters where schedulerid = ?${tx.dialect.noKeyUpdateLock}`,
    [schedulerid],
  );
  return rows[0]?.masterid === masterid;
}

/** A condition on a change's id: it is among the first changes that the scheduler has not classified. */
export function isUnseen(changeid: string, schedulerid: number, limit: number): Fragment {
  return {
    sql: `${changeid} in (
      select c.changeid from changes c
       where c.changeid > (select floor from mm_scheduler_cursors where schedulerid = ?)
         and not exists (select 1 from mm_scheduler_seen s where s.schedulerid = ? and s.changeid = c.changeid)
       order by c.changeid limit ?)`,
    bindings: [schedulerid, schedulerid, limit],
  };
}

/** Notes that the scheduler has classified these changes; returns those that it had not classified before. */
export async function markSeen(
  tx: Connection,
  schedulerid: number,
  changeids: readonly number[],
): Promise<Set<number>> {
  const wanted = tx.dialect.isOneOf("changeid", changeids);
  const rows = await queryRows<{ changeid: number }>(
    tx,
    `insert into mm_scheduler_seen (schedulerid, changeid, seen_at)
     select ?, changeid, ${tx.dialect.now} from changes
      where ${wanted.sql} and changeid > (select floor from mm_scheduler_cursors where schedulerid = ?)
     on conflict (schedulerid, changeid) do nothing returning changeid`,
    [schedulerid, ...wanted.bindings, schedulerid],
  );
  return new Set(rows.map((row) => row.changeid));
}

export async function insertClassified(
  tx: Connection,
  schedulerid: number,
  changes: readonly { changeid: number; important: boolean }[],
): Promise<void> {
  const rows = changes.map(({ changeid, important }) => ({ schedulerid, changeid, important: Number(important) }));
  await insertIgnore(tx, { table: "scheduler_changes", rows, conflict: ["schedulerid", "changeid"] });
}

export interface ClassifiedRow {
  changeid: number;
  important: number;
  /** Seconds; null for a change that Buildbot classified, whenever that was. */
  age: number | null;
  branch: string | null;
  revision: string | null;
  repository: string;
  project: string;
  codebase: string;
  ssid: number;
}

/** The classified changes with ids above one, in their order. */
export async function classifiedRows(
  connection: Connection,
  schedulerid: number,
  { above, limit }: { above: number; limit: number },
): Promise<ClassifiedRow[]> {
  return queryRows<ClassifiedRow>(
    connection,
    `select sc.changeid, coalesce(sc.important, 0) as important, ${connection.dialect.now} - s.seen_at as age,
            c.branch, c.revision, c.repository, c.project, c.codebase, c.sourcestampid as ssid
       from scheduler_changes sc join changes c on c.changeid = sc.changeid
       left join mm_scheduler_seen s on s.schedulerid = sc.schedulerid and s.changeid = sc.changeid
      where sc.schedulerid = ? and sc.changeid > ? order by sc.changeid limit ?`,
    [schedulerid, above, limit],
  );
}

/** Takes changes out of the classified ones; returns how many of them were there. */
export async function removeClassified(
  tx: Connection,
  schedulerid: number,
  changeids: readonly number[],
): Promise<number> {
  const wanted = tx.dialect.isOneOf("changeid", changeids);
  return execute(tx, `delete from scheduler_changes where schedulerid = ? and ${wanted.sql}`, [
    schedulerid,
    ...wanted.bindings,
  ]);
}

/** No transaction that adds a change is open for so long, so ids below one seen that long ago do not appear any more. */
const settledSeconds = 3600;

/** Moves the floor up over what was seen long ago, never over a change that was not, and forgets what lies below it. */
export async function raiseFloor(tx: Connection, schedulerid: number): Promise<void> {
  const [settled] = await queryRows<{ changeid: number | null }>(
    tx,
    `select max(changeid) as changeid from mm_scheduler_seen where schedulerid = ? and seen_at < ${tx.dialect.now} - ${settledSeconds}`,
    [schedulerid],
  );
  if (settled?.changeid == null) return;
  const first = isUnseen("changeid", schedulerid, 1);
  const found = await queryRows<{ changeid: number }>(
    tx,
    `select changeid from changes where ${first.sql}`,
    first.bindings,
  );
  const unseen = found[0]?.changeid;
  const floor = Math.min(settled.changeid, unseen === undefined ? settled.changeid : unseen - 1);
  await execute(tx, "update mm_scheduler_cursors set floor = ? where schedulerid = ? and floor < ?", [
    floor,
    schedulerid,
    floor,
  ]);
  // Those still classified stay: a tree-stable timer counts from the time they were seen.
  await execute(
    tx,
    `delete from mm_scheduler_seen where schedulerid = ? and changeid <= ? and not exists (
       select 1 from scheduler_changes sc
        where sc.schedulerid = mm_scheduler_seen.schedulerid and sc.changeid = mm_scheduler_seen.changeid)`,
    [schedulerid, floor],
  );
}

export async function isSchedulerEnabled(connection: Connection, schedulerid: number): Promise<boolean> {
  const rows = await queryRows<{ enabled: number | null }>(connection, "select enabled from schedulers where id = ?", [
    schedulerid,
  ]);
  return rows[0] !== undefined && rows[0].enabled !== 0;
}

/** False when there is no such scheduler. */
export async function setSchedulerEnabled(
  connection: Connection,
  schedulerid: number,
  enabled: boolean,
): Promise<boolean> {
  return (
    (await execute(connection, "update schedulers set enabled = ? where id = ?", [Number(enabled), schedulerid])) > 0
  );
}
