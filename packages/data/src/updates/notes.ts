import { endOldMutes, insertNote, type NewNote, type NoteSubject, withdrawNote } from "@multimaster/database";
import type { Trail } from "../model/actor.ts";
import { notes } from "../resources/notes.ts";
import type { UpdateContext } from "./update-context.ts";

export interface NoteUpdates {
  /** Writes a note, which replaces its user's "I am on it", or the mute. Undefined: what it is about is not there. */
  add(subject: NoteSubject, note: NewNote, trail: Trail): Promise<number | undefined>;
  /** Ends a mute or an "I am on it", or empties a comment; false: it is over. */
  withdraw(noteid: number, by: string, trail: Trail): Promise<boolean>;
  /** Ends mutes whose time is over. Every master's loop runs it. */
  endOld(): Promise<void>;
}

export function createNoteUpdates({ database, events, track }: UpdateContext): NoteUpdates {
  return {
    async add(subject, note, trail) {
      const added = await database.transaction(async (tx) => {
        const inserted = await insertNote(tx, subject, note);
        if (inserted !== undefined) await trail(tx);
        return inserted;
      });
      if (added === undefined) return undefined;
      await track(events.of(notes).new([added.id]));
      if (added.ended.length > 0) await track(events.of(notes).ended(added.ended));
      return added.id;
    },
    async withdraw(noteid, by, trail) {
      const isDone = await database.transaction(async (tx) => {
        if (!(await withdrawNote(tx, noteid, by))) return false;
        await trail(tx);
        return true;
      });
      if (isDone) await track(events.of(notes).ended([noteid]));
      return isDone;
    },
    async endOld() {
      const ended = await endOldMutes(database);
      if (ended.length > 0) await track(events.of(notes).ended(ended));
    },
  };
}
