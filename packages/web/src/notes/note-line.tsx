import { call } from "../api/read.ts";
import { ActionButton } from "../components/action-button.tsx";
import { When } from "../components/when.tsx";
import { personName } from "../format/properties.ts";
import { useVisitor } from "../format/visitor.ts";

/** A note as its line shows it. */
export interface ShownNote {
  readonly noteid: number;
  readonly kind: string;
  readonly at: number;
  readonly by: string;
  readonly text: string;
  readonly until: number | null;
  readonly until_good: boolean;
}

const undo: Readonly<Record<string, string>> = { take: "Not on it any more", mute: "Unmute", comment: "Withdraw" };

const said: Readonly<Record<string, string>> = { take: "is on it", mute: "muted it" };

/** Who says what of a failure, and since when; plain text. */
export function NoteLine({ note }: { note: ShownNote }) {
  const mayWithdraw = useVisitor()?.notes?.withdraw === true;
  const { kind, text, until } = note;
  return (
    <li class={`note ${kind}`}>
      <span class="grow">
        <bdi>{personName(note.by)}</bdi>
        {said[kind] !== undefined && (
          <>
            {" "}
            <strong>{said[kind]}</strong>
          </>
        )}
        {kind === "mute" && (
          <>
            {" "}
            {until !== null && (
              <>
                until <When at={until} />
              </>
            )}
            {until !== null && note.until_good && ", or "}
            {note.until_good && "until a build passes"}
          </>
        )}
        {text !== "" && (
          <>
            {": "}
            <bdi class="note-text">{text}</bdi>
          </>
        )}{" "}
        <span class="quiet">
          · <When at={note.at} />
        </span>
      </span>
      {mayWithdraw && (
        <ActionButton kind="small" act={() => call("notes", `notes/${note.noteid}`, "withdraw", {})}>
          {undo[kind] ?? "Withdraw"}
        </ActionButton>
      )}
    </li>
  );
}
