import type { Build } from "@multimaster/data";
import { useState } from "preact/hooks";
import { useRows } from "../api/live-query.ts";
import { call } from "../api/read.ts";
import { useVisitor } from "../format/visitor.ts";
import { NoteDialog } from "./note-dialog.tsx";
import { NoteLine } from "./note-line.tsx";

/** What users say of a build, and of its builder and branch. */
export function BuildNotes({ build }: { build: Build }) {
  const path = `builds/${build.buildid}` as const;
  const { rows = [] } = useRows("notes", `${path}/notes`, { limit: 20 }, ["notes/*/*", `${path}/finished`]);
  const shown = rows.filter(({ ended_at: end }) => end === null);
  if (shown.length === 0) return null;
  return (
    <ul class="notes" aria-label="Notes">
      {shown.map((note) => (
        <NoteLine key={note.noteid} note={note} />
      ))}
    </ul>
  );
}

/** Says something of a build. */
export function CommentButton({ build }: { build: Build }) {
  const [isAsked, setAsked] = useState(false);
  const may = useVisitor()?.notes?.comment_builds === true;
  if (!may) return null;
  return (
    <>
      <button type="button" onClick={() => setAsked(true)}>
        Comment
      </button>
      {isAsked && (
        <NoteDialog
          title="Comment"
          label={`About build ${build.number}`}
          send={(text) => call("builds", `builds/${build.buildid}`, "comment", { text })}
          onClose={() => setAsked(false)}
        />
      )}
    </>
  );
}
