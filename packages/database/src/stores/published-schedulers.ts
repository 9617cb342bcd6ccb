import type { Connection } from "../connection.ts";
import { execute, queryRows, upsert } from "../dialect.ts";

/** A row of what a scheduler publishes of itself. */
export interface PublishedSchedulerRow {
  schedulerid: number;
  kind: string;
  /** Seconds since 1970. */
  next_at: number | null;
  form: string | null;
  triggerable: string | null;
  timer_seconds: number | null;
  timer_most_seconds: number | null;
  timer_per_branch: number | null;
}

/**
 * A subselect with one row for each scheduler that has published something. Schedulers that only a master of an earlier
 * release has run are read from the table for each kind that those masters write.
 */
export const publishedSchedulers = `(
  select schedulerid, kind, next_at, form, triggerable, timer_seconds, timer_most_seconds, timer_per_branch
    from mm_published_schedulers
  union all
  select s.id, case when f.schedulerid is not null then 'form' when t.schedulerid is not null then 'builds' else 'changes' end,
         null, f.spec, t.spec, r.seconds, l.seconds, r.per_branch
    from schedulers s
    left join mm_force_schedulers f on f.schedulerid = s.id left join mm_triggerable_schedulers t on t.schedulerid = s.id
    left join mm_scheduler_cursors c on c.schedulerid = s.id
    left join mm_tree_timers r on r.schedulerid = s.id left join mm_tree_limits l on l.schedulerid = s.id
   where not exists (select 1 from mm_published_schedulers p where p.schedulerid = s.id)
     and (f.schedulerid is not null or t.schedulerid is not null or c.schedulerid is not null))`;

/** Replaces what a scheduler has published; `trySpec`: what may be tried with it. */
export async function savePublishedScheduler(
  tx: Connection,
  row: PublishedSchedulerRow,
  trySpec: string | null = null,
): Promise<void> {
  await upsert(tx, { table: "mm_published_schedulers", rows: [{ ...row }], key: ["schedulerid"] });
  await saveOrDelete(tx, "mm_try_schedulers", row.schedulerid, trySpec === null ? null : { spec: trySpec });
  await saveForEarlierReleases(tx, row);
}

/** Masters of an earlier release read one table for each kind; this function goes when none of them can run beside us. */
async function saveForEarlierReleases(tx: Connection, row: PublishedSchedulerRow): Promise<void> {
  const { schedulerid, form, triggerable, timer_seconds, timer_most_seconds, timer_per_branch } = row;
  await saveOrDelete(tx, "mm_force_schedulers", schedulerid, form === null ? null : { spec: form });
  await saveOrDelete(tx, "mm_triggerable_schedulers", schedulerid, triggerable === null ? null : { spec: triggerable });
  const timer = timer_seconds === null ? null : { seconds: timer_seconds, per_branch: timer_per_branch ?? 0 };
  await saveOrDelete(tx, "mm_tree_timers", schedulerid, timer);
  const limit = timer_most_seconds === null ? null : { seconds: timer_most_seconds };
  await saveOrDelete(tx, "mm_tree_limits", schedulerid, limit);
}

async function saveOrDelete(
  tx: Connection,
  table: string,
  schedulerid: number,
  columns: Record<string, string | number> | null,
): Promise<void> {
  if (columns === null) await execute(tx, `delete from ${table} where schedulerid = ?`, [schedulerid]);
  else await upsert(tx, { table, rows: [{ schedulerid, ...columns }], key: ["schedulerid"] });
}

export interface TriggerableRow {
  schedulerid: number;
  name: string;
  enabled: boolean;
  spec: string;
}

/** Every triggerable scheduler of the cluster, by name. */
export async function triggerableSchedulers(connection: Connection): Promise<TriggerableRow[]> {
  const rows = await queryRows<{ schedulerid: number; name: string; enabled: number; spec: string }>(
    connection,
    `select s.id as schedulerid, s.name, coalesce(s.enabled, 1) as enabled, p.triggerable as spec from ${publishedSchedulers} p
       join schedulers s on s.id = p.schedulerid where p.triggerable is not null order by s.name`,
  );
  return rows.map((row) => ({ ...row, enabled: row.enabled !== 0 }));
}
