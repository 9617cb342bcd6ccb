import type { Connection } from "../connection.ts";
import { execute, queryRows, upsert } from "../dialect.ts";
import { fitNullable, longest } from "./column-text.ts";

/** What the config says of a worker and every master needs to know. */
export interface WorkerTerms {
  readonly workerid: number;
  /** Null: an absence is never reported. */
  readonly missingTimeoutS: number | null;
  readonly owner: string | null;
  readonly note: string | null;
}

/** Saves what the config says of workers. Writes only what differs: engines that start again have mostly written it before. */
export async function saveWorkerTerms(tx: Connection, terms: readonly WorkerTerms[]): Promise<void> {
  const wanted = tx.dialect.isOneOf(
    "workerid",
    terms.map(({ workerid }) => workerid),
  );
  const before = await queryRows<{
    workerid: number;
    timeout: number | null;
    owner: string | null;
    note: string | null;
  }>(
    tx,
    `select workerid, missing_timeout_s as timeout, owner, config_note as note from mm_worker_lives where ${wanted.sql}`,
    wanted.bindings,
  );
  const known = new Map(before.map((row) => [row.workerid, row]));
  const rows = [...terms]
    .sort((a, b) => a.workerid - b.workerid)
    .flatMap(({ workerid, missingTimeoutS, ...texts }) => {
      const owner = fitNullable(texts.owner, longest.name);
      const note = fitNullable(texts.note, longest.note);
      const old = known.get(workerid);
      const isKnown = old?.timeout === missingTimeoutS && old.owner === owner && old.note === note;
      return isKnown ? [] : { workerid, missing_timeout_s: missingTimeoutS, owner, config_note: note };
    });
  await upsert(tx, { table: "mm_worker_lives", rows, key: ["workerid"] });
}

/** Saves a user's note; null: the config's note is shown again. Returns whether there is such a worker. */
export async function setWorkerNote(
  tx: Connection,
  workerid: number,
  note: string | null,
  by: string | null,
): Promise<boolean> {
  const { now } = tx.dialect;
  const sql = `insert into mm_worker_lives (workerid, note, note_by, note_at)
    select id, cast(? as text), cast(? as text), ${now} from workers where id = ?
    on conflict (workerid) do update set note = excluded.note, note_by = excluded.note_by, note_at = excluded.note_at`;
  const changed = await execute(tx, sql, [
    fitNullable(note, longest.note),
    note === null ? null : fitNullable(by, longest.name),
    workerid,
  ]);
  return changed > 0;
}

/** Why a worker takes no builds: it is connected to no master, a user has paused it, or its builds failed because of it. */
export type AbsenceKind = "away" | "paused" | "quarantined";

export interface Absence {
  readonly kind: AbsenceKind;
  /** A word for programs. */
  readonly reason: string;
  readonly detail: string | null;
  /** The master that had the worker. */
  readonly masterid: number | null;
  /** Since when, in seconds since 1970 by the database's clock; absent or in the future: since now. */
  readonly since?: number | undefined;
}

/** How many absences are kept for each worker. */
const keptAbsences = 1000;

/** Notes that these workers take no builds from now on. Of one that already does not, the first note stays. */
export async function beginAbsences(tx: Connection, workerids: readonly number[], absence: Absence): Promise<void> {
  if (workerids.length === 0) return;
  const { now, isOneOf } = tx.dialect;
  const wanted = isOneOf("id", workerids);
  const { kind, reason, masterid, since } = absence;
  const begin =
    since === undefined
      ? now
      : `case when cast(? as double precision) < ${now} then cast(? as double precision) else ${now} end`;
  await execute(
    tx,
    `insert into mm_worker_absences (workerid, kind, reason, detail, masterid, began_at)
     select id, cast(? as varchar(16)), cast(? as varchar(32)), cast(? as text), cast(? as integer), ${begin}
       from workers where ${wanted.sql} order by id
     on conflict (workerid, kind) where ended_at is null do nothing`,
    [
      ...[kind, reason, fitNullable(absence.detail, longest.sentence), masterid],
      ...(since === undefined ? [] : [since, since]),
      ...wanted.bindings,
    ],
  );
  await execute(
    tx,
    `delete from mm_worker_absences where id in (
       select a.id from (select w.id as workerid, (select o.id from mm_worker_absences o where o.workerid = w.id
                           order by o.id desc limit 1 offset ${keptAbsences}) as lastid from workers w where ${wanted.sql}) cut
         join mm_worker_absences a on a.workerid = cut.workerid and a.id <= cut.lastid)`,
    wanted.bindings,
  );
}

/** Notes that these workers take builds again, as far as this kind is concerned; returns those that were reported missing. */
export async function endAbsences(tx: Connection, workerids: readonly number[], kind: AbsenceKind): Promise<number[]> {
  if (workerids.length === 0) return [];
  const wanted = tx.dialect.isOneOf("workerid", workerids);
  const rows = await queryRows<{ workerid: number; missing: number | null }>(
    tx,
    `update mm_worker_absences set ended_at = ${tx.dialect.now} where ended_at is null and kind = ? and ${wanted.sql}
     returning workerid, missing_at as missing`,
    [kind, ...wanted.bindings],
  );
  return rows.flatMap(({ workerid, missing }) => (missing === null ? [] : workerid)).sort((a, b) => a - b);
}

/** SQL: 1 or 0, whether a worker `w` with its row `l` of mm_worker_lives is quarantined, and whether a build is tried on it. */
export function quarantineColumnsOf({ dialect }: Connection): string {
  const quarantined = "w.paused <> 0 and l.quarantined_at is not null";
  return `case when ${quarantined} then 1 else 0 end as quarantined,
    case when ${quarantined} and l.probation_at <= ${dialect.now} then 1 else 0 end as "onProbation"`;
}
