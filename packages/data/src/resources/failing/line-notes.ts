import { type Connection, isOpenNote, queryRows } from "@multimaster/database";
import { bool, datetime, entity, identifier, integer, text } from "../../model/field-kinds.ts";
import { groupValues } from "../../read/group-values.ts";

/** A note as a list of failures shows it: see the noun `notes`. */
export const lineNote = entity("line_note", {
  noteid: integer,
  kind: identifier(8),
  at: datetime,
  by: text,
  text,
  until: datetime.nullable(),
  until_good: bool,
});

/** Who is on it, the mute, and the newest comments; `comments` counts them all. */
export const lineNotes = entity("line_notes", {
  on_it: lineNote.array(),
  mute: lineNote.nullable(),
  comments: integer,
  newest: lineNote.array(),
});

interface LineNote {
  noteid: number;
  kind: string;
  at: number;
  by: string;
  text: string;
  until: number | null;
  until_good: boolean;
}

export interface LineNotes {
  on_it: LineNote[];
  mute: LineNote | null;
  comments: number;
  newest: LineNote[];
}

export const noNotes: LineNotes = { on_it: [], mute: null, comments: 0, newest: [] };

/** SQL on `mm_builder_lines l`: a mute is in force. */
export const isMuted = `exists (select 1 from mm_notes mu where mu.lineid = l.lineid and ${isOpenNote("mu")} and mu.kind = 'mute')`;

/** Of each line. */
const most = { onIt: 10, comments: 3 };

/** Reads the notes of lines; a line has at most a few hundred. */
export async function readLineNotes(
  connection: Connection,
  lineids: readonly number[],
): Promise<Map<number, LineNotes>> {
  const wanted = connection.dialect.isOneOf("n.lineid", lineids);
  const rows = await queryRows<{
    lineid: number;
    id: number;
    kind: string;
    at: number;
    name: string;
    words: string;
    until: number | null;
    until_good: number;
  }>(
    connection,
    `select n.lineid, n.id, n.kind, n.at, n.name, n.words, n.until, n.until_good from mm_notes n
      where ${wanted.sql} and n.ended_at is null order by n.lineid, n.id desc`,
    wanted.bindings,
  );
  const found = groupValues(
    rows.map(({ lineid, id, name, words, at, until, until_good, kind }): [number, LineNote] => [
      lineid,
      {
        noteid: id,
        kind,
        at: Math.floor(at),
        by: name,
        text: words,
        until: until === null ? null : Math.floor(until),
        until_good: until_good === 1,
      },
    ]),
  );
  return new Map(
    [...found].map(([lineid, notes]) => {
      const of = (kind: string) => notes.filter((note) => note.kind === kind);
      const comments = of("comment");
      return [
        lineid,
        {
          on_it: of("take").slice(0, most.onIt),
          mute: of("mute")[0] ?? null,
          comments: comments.length,
          newest: comments.slice(0, most.comments),
        },
      ];
    }),
  );
}
