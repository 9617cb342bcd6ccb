import type { Failing } from "@multimaster/data";
import { useState } from "preact/hooks";
import { call } from "../api/read.ts";
import { ActionButton } from "../components/action-button.tsx";
import { useVisitor } from "../format/visitor.ts";
import { NoteDialog } from "./note-dialog.tsx";
import { NoteLine } from "./note-line.tsx";

/** What users say of a builder that fails on a branch. */
export function LineNotes({ line: { notes } }: { line: Pick<Failing, "notes"> }) {
  const shown = [...(notes.mute ? [notes.mute] : []), ...notes.on_it, ...notes.newest];
  if (shown.length === 0) return null;
  const more = notes.comments - notes.newest.length;
  return (
    <ul class="notes">
      {shown.map((note) => (
        <NoteLine key={note.noteid} note={note} />
      ))}
      {more > 0 && <li class="quiet">and {more} older comments</li>}
    </ul>
  );
}

/** What a visitor may say of it; only actions that the rules allow are offered. */
export function LineActions({ line }: { line: Pick<Failing, "lineid" | "builder" | "source" | "notes"> }) {
  const [asked, setAsked] = useState<"comment" | "mute">();
  const may = useVisitor()?.notes;
  if (!may) return null;
  const path = `lines/${line.lineid}` as const;
  const close = () => setAsked(undefined);
  return (
    <span class="note-actions">
      {may.take && (
        <ActionButton
          kind="small"
          title="Others see that you look after it, until a build passes"
          act={() => call("builder_lines", path, "take", {})}
        >
          I am on it
        </ActionButton>
      )}
      {may.comment && (
        <button type="button" class="small" onClick={() => setAsked("comment")}>
          Comment
        </button>
      )}
      {may.mute && line.notes.mute === null && (
        <button type="button" class="small" onClick={() => setAsked("mute")}>
          Mute
        </button>
      )}
      {asked === "comment" && (
        <NoteDialog
          title="Comment"
          label={`About ${line.builder} on ${line.source}`}
          send={(text) => call("builder_lines", path, "comment", { text })}
          onClose={close}
        />
      )}
      {asked === "mute" && (
        <NoteDialog
          title="Mute"
          label={`Why ${line.builder} on ${line.source} asks for no attention now`}
          asksTime
          send={(text, seconds) =>
            call("builder_lines", path, "mute", { text, for_seconds: seconds, until_good: seconds === null })
          }
          onClose={close}
        />
      )}
    </span>
  );
}
