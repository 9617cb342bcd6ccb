import type { Connection } from "../connection.ts";
import { execute, insertIgnore, queryRows } from "../dialect.ts";
import { truncateText } from "./column-text.ts";
import { lockReports, orderReports } from "./reports.ts";

/** A reporter of the config, as other masters see it. */
export interface ReporterRow {
  readonly name: string;
  readonly type: string;
  /** The kinds of the outbox that it wants. */
  readonly kinds: readonly string[];
  /** Of the kinds of steps among them: which names, where * matches any text; absent: all. */
  readonly steps?: readonly string[] | undefined;
}

/** Whether reporters were ever configured: a config without them then has something to withdraw. */
export async function hasReporters(connection: Connection): Promise<boolean> {
  return (await queryRows(connection, "select 1 as one from mm_reporters where configured = 1 limit 1")).length > 0;
}

/** Makes these the reporters of the cluster: rows of the outbox that none of them wants are owed no more. Returns ids by name. */
export async function replaceReporters(tx: Connection, all: readonly ReporterRow[]): Promise<Map<string, number>> {
  await tx.dialect.lockName(tx, "reporters");
  const names = all.map(({ name }) => name);
  const rows = all.map(({ name, type }) => ({ name, type: truncateText(type, 40), configured: 1 }));
  if (rows.length > 0) await insertIgnore(tx, { table: "mm_reporters", rows, conflict: ["name"] });
  const known = await queryRows<{
    id: number;
    name: string;
    type: string;
    configured: number;
    suspended: string | null;
  }>(tx, "select id, name, type, configured, suspended from mm_reporters order by id");
  const kinds = await queryRows<{ reporterid: number; kind: string; names: string | null }>(
    tx,
    "select reporterid, kind, names from mm_reporter_kinds",
  );
  const ids = new Map(known.map(({ id, name }) => [name, id]));
  // Another config may have another filter; the master that hands out suspends one that still blocks.
  if (known.some(({ suspended }) => suspended !== null))
    await execute(tx, "update mm_reporters set suspended = null where suspended is not null");
  for (const { id, name, type, configured } of known) {
    const wanted = all.find((one) => one.name === name);
    // Only what changed is written: masters that start with the same config write nothing.
    if (wanted ? configured !== 1 || type !== truncateText(wanted.type, 40) : configured !== 0)
      await execute(tx, "update mm_reporters set configured = ?, type = ? where id = ?", [
        wanted ? 1 : 0,
        wanted ? truncateText(wanted.type, 40) : type,
        id,
      ]);
    const had = kinds.filter(({ reporterid }) => reporterid === id);
    const has = (wanted?.kinds ?? []).map((kind) => ({ kind, reporterid: id, names: namesOf(kind, wanted?.steps) }));
    const isAmong = (one: { kind: string; names: string | null }, all: typeof has) =>
      all.some(({ kind, names: these }) => kind === one.kind && these === one.names);
    for (const { kind } of had.filter((one) => !isAmong(one, has)))
      await execute(tx, "delete from mm_reporter_kinds where reporterid = ? and kind = ?", [id, kind]);
    const fresh = has.filter((one) => !isAmong(one, had));
    if (fresh.length > 0)
      await insertIgnore(tx, { table: "mm_reporter_kinds", rows: fresh, conflict: ["kind", "reporterid"] });
  }
  await execute(
    tx,
    `delete from mm_reports where state = 'unasked' and not exists (select 1 from mm_reporter_kinds k
       where k.reporterid = mm_reports.reporterid and k.kind = mm_reports.kind)`,
  );
  // Without this they wait for a month if no reporter is left, and go then to those that come meanwhile.
  await execute(
    tx,
    `update mm_outbox set owed = null where owed = 1
        and not exists (select 1 from mm_reporter_kinds k where k.kind = mm_outbox.kind)`,
  );
  return new Map(names.map((name) => [name, ids.get(name) as number]));
}

const namesOf = (kind: string, steps: readonly string[] | undefined): string | null =>
  kind.startsWith("step-") && steps ? JSON.stringify(steps) : null;

/** Whether this master has the reporter; held to the end of the transaction. */
export async function holdReporter(tx: Connection, reporterid: number, masterid: number): Promise<boolean> {
  const rows = await queryRows<{ masterid: number }>(
    tx,
    `select masterid from mm_reporter_masters where reporterid = ?${tx.dialect.noKeyUpdateLock}`,
    [reporterid],
  );
  return rows[0]?.masterid === masterid;
}

/** Which masters have these reporters; a reporter without a row is free. */
export async function findReporterHolders(
  connection: Connection,
  ids: readonly number[],
): Promise<ReadonlyMap<number, number>> {
  const wanted = connection.dialect.isOneOf("reporterid", ids);
  const rows = await queryRows<{ reporterid: number; masterid: number }>(
    connection,
    `select reporterid, masterid from mm_reporter_masters where ${wanted.sql}`,
    wanted.bindings,
  );
  return new Map(rows.map(({ reporterid, masterid }) => [reporterid, masterid]));
}

/** How the target of a reporter does. */
export interface TargetState {
  readonly problem: string | null;
  /** Seconds from now; null: nothing is to be waited for. */
  readonly pauseS: number | null;
  readonly sent: number;
}

/** Saves how the target does; `failingSince` stays what it was while it fails. */
export async function noteTarget(tx: Connection, reporterid: number, state: TargetState): Promise<void> {
  const { now } = tx.dialect;
  await execute(
    tx,
    `update mm_reporters set problem = ?, failing_since = ${state.problem === null ? "null" : `coalesce(failing_since, ${now})`},
       paused_until = ${state.pauseS === null ? "null" : `${now} + ?`}, sent = sent + ?${state.sent > 0 ? `, last_sent_at = ${now}` : ""}
      where id = ?`,
    [
      state.problem === null ? null : truncateText(state.problem, 2000),
      ...(state.pauseS === null ? [] : [state.pauseS]),
      state.sent,
      reporterid,
    ],
  );
}

/** Seconds until the reporter may send; 0: now. */
export async function readPause(connection: Connection, reporterid: number): Promise<number> {
  const [row] = await queryRows<{ left: number | null }>(
    connection,
    `select paused_until - ${connection.dialect.now} as "left" from mm_reporters where id = ?`,
    [reporterid],
  );
  return Math.max(0, Number(row?.left ?? 0));
}

/** Why every attempt of a reporter has failed, and since when; undefined: the last one did not, or there was none. */
export async function readTrouble(
  connection: Connection,
  reporterid: number,
): Promise<{ readonly problem: string; readonly since: number } | undefined> {
  const [row] = await queryRows<{ problem: string; since: number }>(
    connection,
    "select problem, failing_since as since from mm_reporters where id = ? and problem is not null",
    [reporterid],
  );
  return row && { problem: row.problem, since: Number(row.since) };
}

/**
 * Ends the pauses of a reporter and of its reports: someone asked to retry now. With `withDead` all that were given up are owed
 * again. Returns how many reports are owed then.
 */
export async function retryReporter(tx: Connection, reporterid: number, withDead: boolean): Promise<number> {
  // In the order in which attempts end.
  await lockReports(tx, [reporterid]);
  await execute(tx, "update mm_reporters set paused_until = null where id = ?", [reporterid]);
  await execute(tx, "update mm_reports set next_at = 0 where reporterid = ? and state = 'owed' and next_at > 0", [
    reporterid,
  ]);
  if (withDead) {
    await execute(
      tx,
      "update mm_reports set state = 'owed', attempts = 0, next_at = 0, ended_at = null where reporterid = ? and state = 'dead'",
      [reporterid],
    );
    await orderReports(tx, reporterid);
  }
  const [row] = await queryRows<{ owed: number | string }>(
    tx,
    "select count(*) as owed from mm_reports where reporterid = ? and state = 'owed'",
    [reporterid],
  );
  return Number(row?.owed ?? 0);
}

/** Saves a mark of the options that a reporter sends with. With others than before, it tries immediately what waits. */
export async function noteOptions(tx: Connection, reporterid: number, mark: string): Promise<void> {
  const [row] = await queryRows<{ options_mark: string | null }>(
    tx,
    "select options_mark from mm_reporters where id = ?",
    [reporterid],
  );
  if (!row || row.options_mark === mark) return;
  await execute(tx, "update mm_reporters set options_mark = ? where id = ?", [mark, reporterid]);
  if (row.options_mark !== null) await retryReporter(tx, reporterid, false);
}

/** Saves why the filter of a reporter is not called for a while; null: it is called. Returns whether that is new. */
export async function noteSuspended(tx: Connection, reporterid: number, why: string | null): Promise<boolean> {
  const text = why === null ? null : truncateText(why, 2000);
  const [row] = await queryRows<{ suspended: string | null }>(tx, "select suspended from mm_reporters where id = ?", [
    reporterid,
  ]);
  if (!row || row.suspended === text) return false;
  await execute(tx, "update mm_reporters set suspended = ? where id = ?", [text, reporterid]);
  return true;
}
