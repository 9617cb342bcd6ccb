import type { Connection } from "../connection.ts";
import { execute, insertRow, queryRows } from "../dialect.ts";
import { longest, truncateText } from "./column-text.ts";

export type NoteKind = "comment" | "take" | "mute";

/** What a note is about: a builder and branch, or a build. */
export type NoteSubject = { readonly lineid: number } | { readonly buildid: number };

export interface NewNote {
  readonly kind: NoteKind;
  readonly who: string;
  readonly name: string;
  readonly words: string;
  /** Of a mute: seconds from now; null: without an end in time. */
  readonly forSeconds?: number | null;
  /** Of a mute: it ends when a build of the newest source passes. */
  readonly untilGood?: boolean;
}

/** SQL: the note is open, which comments never are. As the index mm_open_notes has it. */
export const isOpenNote = (alias: string) => `${alias}.ended_at is null and ${alias}.kind <> 'comment'`;

/** Of one line or build; older ones are deleted. */
const mostNotes = 200;

/**
 * Writes a note, and ends the open ones that it replaces: the mute of a line, or its user's "I am on it". Returns its id, and
 * those that ended; undefined: the line or build is not there.
 */
export async function insertNote(
  tx: Connection,
  subject: NoteSubject,
  note: NewNote,
): Promise<{ id: number; ended: number[] } | undefined> {
  const [column, id] =
    "lineid" in subject ? (["lineid", subject.lineid] as const) : (["buildid", subject.buildid] as const);
  const [table, key, lock] =
    column === "lineid"
      ? (["mm_builder_lines", "lineid", "noKeyUpdateLock"] as const)
      : (["builds", "id", "keyShareLock"] as const);
  const [row] = await queryRows<{ builderid: number; now: number }>(
    tx,
    `select builderid, ${tx.dialect.now} as now from ${table} where ${key} = ?${tx.dialect[lock]}`,
    [id],
  );
  if (row === undefined) return undefined;
  const ended = column === "lineid" && note.kind !== "comment" ? await endReplaced(tx, id, note) : [];
  const { forSeconds = null } = note;
  const inserted = await insertRow<{ id: number }>(
    tx,
    "mm_notes",
    {
      builderid: row.builderid,
      [column]: id,
      kind: note.kind,
      at: row.now,
      who: truncateText(note.who, 255),
      name: truncateText(note.name, 255),
      words: truncateText(note.words, longest.note),
      until: forSeconds === null ? null : row.now + forSeconds,
      until_good: note.untilGood ? 1 : 0,
    },
    ["id"],
  );
  await execute(
    tx,
    `delete from mm_notes where ${column} = ? and (ended_at is not null or kind = 'comment') and id <= coalesce(
       (select n.id from mm_notes n where n.${column} = ? order by n.id desc limit 1 offset ${mostNotes}), 0)`,
    [id, id],
  );
  return { id: inserted.id, ended };
}

async function endReplaced(tx: Connection, lineid: number, { kind, who, name }: NewNote): Promise<number[]> {
  const own = kind === "take" ? " and n.who = ?" : "";
  const rows = await queryRows<{ id: number }>(
    tx,
    `update mm_notes set ended_at = ${tx.dialect.now}, ended_by = ? where id in (
       select n.id from mm_notes n where n.lineid = ? and ${isOpenNote("n")} and n.kind = ?${own}) returning id`,
    [truncateText(name, 255), lineid, kind, ...(own === "" ? [] : [truncateText(who, 255)])],
  );
  return rows.map(({ id }) => id);
}

/** Ends a mute or an "I am on it", or empties a comment; false: it is over already. */
export async function withdrawNote(tx: Connection, id: number, by: string): Promise<boolean> {
  const sql = `update mm_notes set ended_at = ${tx.dialect.now}, ended_by = ?, words = case kind when 'comment' then '' else words end
    where id = ? and ended_at is null`;
  return (await execute(tx, sql, [truncateText(by, 255), id])) === 1;
}

/** Ends what lasts until a build of a line passes; the caller has locked the lines. */
export async function endNotesOfMended(tx: Connection, lineids: readonly number[]): Promise<void> {
  const wanted = tx.dialect.isOneOf("n.lineid", lineids);
  await execute(
    tx,
    `update mm_notes set ended_at = ${tx.dialect.now} where id in (
       select n.id from mm_notes n where ${wanted.sql} and ${isOpenNote("n")} and (n.kind = 'take' or n.until_good = 1))`,
    wanted.bindings,
  );
}

/** Ends mutes whose time is over, so many at most; returns their ids. */
export async function endOldMutes(connection: Connection): Promise<number[]> {
  const rows = await queryRows<{ id: number }>(
    connection,
    `update mm_notes set ended_at = until where id in (
       select n.id from mm_notes n where n.ended_at is null and n.until is not null and n.until <= ${connection.dialect.now}
        order by n.until limit 100) and ended_at is null returning id`,
  );
  return rows.map(({ id }) => id);
}

/** A mute that is in force. */
export interface OpenMute {
  readonly name: string;
  readonly words: string;
  readonly until: number | null;
}

/** Mutes of the branches that builds are of, by build. */
export async function readMutesOfBuilds(
  connection: Connection,
  buildids: readonly number[],
): Promise<Map<number, OpenMute>> {
  const wanted = connection.dialect.isOneOf("lb.buildid", buildids);
  const rows = await queryRows<OpenMute & { buildid: number }>(
    connection,
    `select lb.buildid, n.name, n.words, n.until from mm_line_builds lb
       join mm_notes n on n.lineid = lb.lineid and ${isOpenNote("n")} and n.kind = 'mute'
      where ${wanted.sql} and (n.until is null or n.until > ${connection.dialect.now})`,
    wanted.bindings,
  );
  return new Map(rows.map(({ buildid, ...mute }) => [buildid, mute]));
}
