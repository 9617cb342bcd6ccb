import type { Connection } from "../connection.ts";
import { execute, insertIgnore, queryRows, upsert } from "../dialect.ts";
import { truncateText } from "./column-text.ts";
import { dropUnfollowing, endAnnounced } from "./following-reports.ts";
import { hashColumns } from "./hash.ts";

/** A row of the outbox that reporters have not been asked about. */
export interface OwedEvent {
  readonly id: number;
  readonly at: number;
  readonly kind: string;
  readonly objectid: number;
  readonly facts: string;
}

/** Something to report through one reporter. */
export interface NewReport {
  readonly reporterid: number;
  readonly event: OwedEvent;
  readonly context: string;
  readonly about: string;
  readonly final: boolean;
  /** Reported only if something of its context was sent, or is owed: it ends what the target shows. */
  readonly follows?: boolean | undefined;
}

/** A report that may be sent now: the oldest owed one of its context. */
export interface DueReport {
  readonly id: number;
  readonly outboxid: number;
  readonly kind: string;
  readonly objectid: number;
  readonly facts: string;
  readonly happenedAt: number;
  readonly context: string;
  readonly about: string;
  readonly final: boolean;
  readonly attempts: number;
  /** A later report of the context is owed, or was sent before this one. */
  readonly hasLater: boolean;
  readonly hasLaterSent: boolean;
}

/** What became of an attempt. */
export type ReportEnd =
  | { readonly kind: "sent" | "overtaken" }
  /** There was nothing to send, and why. */
  | { readonly kind: "skipped"; readonly why: string }
  /** `unsure`: whether it arrived is unknown. `counts`: the target refused this report; otherwise it took none at all. */
  | {
      readonly kind: "failed";
      readonly problem: string;
      readonly unsure: boolean;
      readonly retryS: number;
      readonly counts: boolean;
    }
  | { readonly kind: "dead"; readonly problem: string };

/** The key of a context: of any length for people, of one length in rows. */
export const hashContext = (context: string): string => hashColumns(context);

/** Rows of the outbox that reporters want, oldest first. Ids commit out of order: a row stays until it is handed out, so none is missed. */
export function findOwedEvents(connection: Connection, limit: number): Promise<OwedEvent[]> {
  return queryRows<OwedEvent>(
    connection,
    "select id, at, kind, objectid, facts from mm_outbox where owed = 1 order by id limit ?",
    [limit],
  );
}

/** A row of the outbox that is handed out. */
export interface HandedEvent extends OwedEvent {
  /** For people. */
  readonly about: string;
}

/**
 * Hands rows of the outbox out: what they owe becomes reports, each once, and they are not owed any more. `asked`: the reporters
 * that the caller's config has, with the kinds that they want there; another reporter that wants such a row is asked later.
 * Returns the reporters that have something new.
 */
export async function handOut(
  tx: Connection,
  events: readonly HandedEvent[],
  reports: readonly NewReport[],
  asked: ReadonlyMap<number, readonly string[]>,
): Promise<number[]> {
  const wanting = await queryRows<{ reporterid: number; kind: string }>(
    tx,
    "select reporterid, kind from mm_reporter_kinds",
  );
  const unknown = wanting.filter(({ reporterid, kind }) => !asked.get(reporterid)?.includes(kind));
  const candidates = reports.map((report) => ({ ...report, context: hashContext(report.context) }));
  const wanted = await dropUnfollowing(tx, candidates);
  const rows = [
    ...wanted.map(({ reporterid, event, context, about, final }) => ({
      ...rowOf(event, reporterid, about),
      context,
      final: Number(final),
      state: "owed",
    })),
    ...events.flatMap((event) =>
      unknown
        .filter(({ kind }) => kind === event.kind)
        .map(({ reporterid }) => ({
          ...rowOf(event, reporterid, event.about),
          context: unaskedContext,
          final: 0,
          state: "unasked",
        })),
    ),
  ];
  const receivers = [...new Set(rows.map(({ reporterid }) => reporterid))];
  if (rows.length > 0) {
    await lockReports(tx, receivers);
    await insertIgnore(tx, { table: "mm_reports", rows, conflict: ["outboxid", "reporterid"] });
    const fresh = tx.dialect.isOneOf(
      "outboxid",
      events.map(({ id }) => id),
    );
    await execute(tx, `update mm_reports set is_first = 0 where ${fresh.sql} and ${isBehind}`, fresh.bindings);
  }
  const done = tx.dialect.isOneOf(
    "id",
    events.map(({ id }) => id),
  );
  await execute(tx, `update mm_outbox set owed = null where ${done.sql} and owed = 1`, done.bindings);
  return receivers;
}

/** The context of reports whose reporter has not been asked about them: only it knows their own. */
export const unaskedContext = "";

const rowOf = (event: OwedEvent, reporterid: number, about: string) => ({
  reporterid,
  outboxid: event.id,
  kind: event.kind,
  objectid: event.objectid,
  facts: event.facts,
  happened_at: event.at,
  about: truncateText(about, 1000),
});

/** Rows that come into a context, and those that leave it, wait for each other: together they decide which row is its first. */
export async function lockReports(tx: Connection, reporterids: readonly number[]): Promise<void> {
  const wanted = tx.dialect.isOneOf("id", reporterids);
  const sql = `select id from mm_reporters where ${wanted.sql} order by id${tx.dialect.noKeyUpdateLock}`;
  await queryRows(tx, sql, wanted.bindings);
}

/** SQL, on `mm_reports`: an earlier report of its context is owed. Its own state is left out: SQLite would read all that is owed. */
export const isBehind = `exists (select 1 from mm_reports e where e.reporterid = mm_reports.reporterid
  and e.context = mm_reports.context and e.state = 'owed' and e.id < mm_reports.id)`;

/** Finds out again which report of each context is the first that is owed: for a reporter that begins to send. */
export async function orderReports(tx: Connection, reporterid: number): Promise<void> {
  await lockReports(tx, [reporterid]);
  await execute(
    tx,
    `update mm_reports set is_first = 0 where reporterid = ? and state = 'owed' and is_first = 1 and ${isBehind}`,
    [reporterid],
  );
  await execute(
    tx,
    `update mm_reports set is_first = 1 where reporterid = ? and state = 'owed' and is_first = 0 and not ${isBehind}`,
    [reporterid],
  );
}

/** SQL: read once for the statement, so that an index serves a comparison with it. */
const onceOf = (now: string) => `(select ${now})`;

/** Reports of a reporter that may be sent now, at most one of each context, oldest first. */
export async function findDueReports(connection: Connection, reporterid: number, limit: number): Promise<DueReport[]> {
  const rows = await queryRows<Omit<DueReport, "final" | "hasLater" | "hasLaterSent"> & Record<string, unknown>>(
    connection,
    `select r.id, r.outboxid, r.kind, r.objectid, r.facts, r.happened_at as "happenedAt", r.context, r.about, r.final, r.attempts,
       case when exists (select 1 from mm_reports l where l.reporterid = r.reporterid and l.context = r.context
                          and l.id > r.id and l.state = 'owed') then 1 else 0 end as "hasLater",
       case when exists (select 1 from mm_reports l where l.reporterid = r.reporterid and l.context = r.context
                          and l.id > r.id and l.state = 'sent') then 1 else 0 end as "hasLaterSent"
      from mm_reports r
      where r.reporterid = ? and r.state = 'owed' and r.is_first = 1 and r.next_at <= ${onceOf(connection.dialect.now)}
        and not exists (select 1 from mm_reports e where e.reporterid = r.reporterid and e.context = r.context
                         and e.id < r.id and e.state = 'owed')
      order by r.next_at, r.id limit ?`,
    [reporterid, limit],
  );
  return rows.map((row) => ({
    ...row,
    final: Number(row["final"]) === 1,
    hasLater: Number(row["hasLater"]) === 1,
    hasLaterSent: Number(row["hasLaterSent"]) === 1,
  })) as unknown as DueReport[];
}

/** Seconds until the next report of a reporter may be tried again; undefined: none waits. */
export async function nextReportIn(connection: Connection, reporterid: number): Promise<number | undefined> {
  const [row] = await queryRows<{ left: number | null }>(
    connection,
    `select min(next_at) - ${connection.dialect.now} as "left" from mm_reports
      where reporterid = ? and state = 'owed' and is_first = 1 and next_at > ${onceOf(connection.dialect.now)}`,
    [reporterid],
  );
  return row?.left == null ? undefined : Number(row.left);
}

/** An attempt as it begins: whether an earlier one may have arrived, which one it is, and what is remembered of its context. */
export interface BegunAttempt {
  readonly unsure: boolean;
  readonly attempts: number;
  readonly memory: string | undefined;
}

/**
 * Attempts begin: from here on each report may have arrived, until its end is known. Returns those that are still owed; `unsure`:
 * an earlier attempt ended without an answer, or with its master.
 */
export async function beginAttempts(
  tx: Connection,
  ids: readonly number[],
): Promise<ReadonlyMap<number, BegunAttempt>> {
  const wanted = tx.dialect.isOneOf("id", ids);
  const before = await queryRows<{ id: number; sending_at: number | null; attempts: number; memory: string | null }>(
    tx,
    `select id, sending_at, attempts, (select m.value from mm_report_memory m
         where m.reporterid = mm_reports.reporterid and m.context = mm_reports.context) as memory from mm_reports where ${wanted.sql} and state = 'owed' order by id${tx.dialect.noKeyUpdateLock}`,
    wanted.bindings,
  );
  const open = tx.dialect.isOneOf(
    "id",
    before.map(({ id }) => id),
  );
  if (before.length > 0)
    await execute(
      tx,
      `update mm_reports set attempts = attempts + 1, sending_at = ${tx.dialect.now} where ${open.sql}`,
      open.bindings,
    );
  return new Map(
    before.map(({ id, sending_at, attempts, memory }) => [
      id,
      { unsure: sending_at !== null, attempts: attempts + 1, memory: memory ?? undefined },
    ]),
  );
}

/** Attempts of a reporter end: the next report of each context is due. */
export async function endAttempts(
  tx: Connection,
  reporterid: number,
  ends: ReadonlyMap<number, ReportEnd>,
): Promise<void> {
  const { now } = tx.dialect;
  await lockReports(tx, [reporterid]);
  for (const kind of ["sent", "overtaken"] as const) {
    const ids = [...ends].filter(([, end]) => end.kind === kind).map(([id]) => id);
    const isShown = kind === "sent";
    const which = tx.dialect.isOneOf("id", ids);
    if (ids.length > 0)
      await execute(
        tx,
        `update mm_reports set state = '${kind}', sending_at = null, problem = null, failing_since = null, ended_at = ${now}
           ${isShown ? "" : ", final = 1"} where ${which.sql} and state = 'owed'`,
        which.bindings,
      );
    if (isShown) await endAnnounced(tx, reporterid, ids);
  }
  for (const [id, end] of ends) {
    if (end.kind === "failed")
      await execute(
        tx,
        `update mm_reports set ${end.unsure ? "" : "sending_at = null, "}problem = ?, next_at = ${now} + ?,
           attempts = attempts - ${end.counts ? 0 : 1},
           failing_since = coalesce(failing_since, ${now}) where id = ? and state = 'owed'`,
        [truncateText(end.problem, 2000), end.retryS, id],
      );
    if (end.kind === "skipped")
      await execute(
        tx,
        `update mm_reports set state = 'skipped', sending_at = null, problem = ?, failing_since = null, ended_at = ${now}, final = 1
          where id = ? and state = 'owed'`,
        [truncateText(end.why, 2000), id],
      );
    if (end.kind === "dead")
      await execute(
        tx,
        `update mm_reports set state = 'dead', sending_at = null, problem = ?, failing_since = coalesce(failing_since, ${now}),
           ended_at = ${now} where id = ? and state = 'owed'`,
        [truncateText(end.problem, 2000), id],
      );
  }
  const over = tx.dialect.isOneOf("d.id", [...ends.keys()]);
  if (ends.size > 0)
    await execute(
      tx,
      `update mm_reports set is_first = 1 where is_first = 0 and id in (
         select (select n.id from mm_reports n where n.reporterid = d.reporterid and n.context = d.context
                  and n.state = 'owed' order by n.id limit 1)
           from mm_reports d where ${over.sql})`,
      over.bindings,
    );
}

/**
 * A report that waits or was given up is due now, and the pause of its reporter ends. Returns the reporter's id; undefined: it
 * was sent or overtaken.
 */
export async function reviveReport(tx: Connection, id: number): Promise<number | undefined> {
  const [known] = await queryRows<{ reporterid: number }>(tx, "select reporterid from mm_reports where id = ?", [id]);
  if (!known) return undefined;
  // In the order in which attempts end.
  await lockReports(tx, [known.reporterid]);
  const revived = await execute(
    tx,
    `update mm_reports set state = 'owed', is_first = 1, attempts = 0, next_at = 0, ended_at = null
      where id = ? and state in ('dead', 'owed')`,
    [id],
  );
  if (revived === 0) return undefined;
  await execute(tx, "update mm_reporters set paused_until = null where id = ?", [known.reporterid]);
  return known.reporterid;
}

/** What was not written again for half a year is forgotten: most contexts, such as commits, come only once. */
const memorySeconds = 180 * 86_400;
/** Rows that each write checks for that. */
const memoriesChecked = 20;

/** What the reporter remembers of a context, by its key. */
export async function readMemory(
  connection: Connection,
  reporterid: number,
  context: string,
): Promise<string | undefined> {
  const [row] = await queryRows<{ value: string }>(
    connection,
    "select value from mm_report_memory where reporterid = ? and context = ?",
    [reporterid, context],
  );
  return row?.value;
}

/** Saves what the reporter remembers of a context. Keys are hashes, so the rows behind this one are a sample of all: old ones go. */
export async function writeMemory(tx: Connection, reporterid: number, context: string, value: string): Promise<void> {
  const at = Date.now() / 1000;
  await upsert(tx, {
    table: "mm_report_memory",
    rows: [{ reporterid, context, value, at }],
    key: ["reporterid", "context"],
  });
  await execute(
    tx,
    `delete from mm_report_memory where reporterid = ? and at < ? and context in (
       select context from mm_report_memory where reporterid = ? and context > ? order by context limit ?)`,
    [reporterid, at - memorySeconds, reporterid, context, memoriesChecked],
  );
}

/** Reports that were sent are kept for a week, those given up, and those of reporters that no config names any more, for a month. */
const keptSeconds = { sent: 7 * 86_400, dead: 30 * 86_400 };

/** Deletes what is kept no longer, a part at a time. */
export async function pruneReports(connection: Connection): Promise<void> {
  const { now } = connection.dialect;
  await execute(
    connection,
    `delete from mm_reports where id in (select id from mm_reports where state <> 'owed' and ended_at < ${now} - ${keptSeconds.sent}
       and (state <> 'dead' or ended_at < ${now} - ${keptSeconds.dead}) limit 5000)`,
  );
  await execute(
    connection,
    `delete from mm_reports where id in (select p.id from mm_reporters r join mm_reports p on p.reporterid = r.id
       where r.configured = 0 and p.state = 'owed' and p.happened_at < ${now} - ${keptSeconds.dead} limit 5000)`,
  );
  // No master whose config has the reporter has come.
  await execute(
    connection,
    `delete from mm_reports where id in (select id from mm_reports where state = 'unasked'
       and happened_at < ${now} - ${keptSeconds.dead} limit 5000)`,
  );
}
