import { useState } from "preact/hooks";
import { wakeAll } from "../api/live-query.ts";
import { ApiError } from "../api/read.ts";
import { Dialog } from "../shell/dialog.tsx";
import { FormEnd } from "../shell/form-end.tsx";

const hour = 3600;
/** How long a mute lasts; null: only a build that passes ends it. */
const lengths: readonly (readonly [label: string, seconds: number | null])[] = [
  ["until a build passes", null],
  ["for 4 hours", 4 * hour],
  ["for a day", 24 * hour],
  ["for a week", 7 * 24 * hour],
  ["for four weeks", 28 * 24 * hour],
];

/** Asks for a text, and for a mute for its end. */
export function NoteDialog({
  title,
  label,
  asksTime = false,
  send,
  onClose,
}: {
  title: string;
  label: string;
  asksTime?: boolean;
  send: (text: string, seconds: number | null) => Promise<unknown>;
  onClose: () => void;
}) {
  const [text, setText] = useState("");
  const [length, setLength] = useState(0);
  const [problem, setProblem] = useState("");
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setProblem("");
    try {
      await send(text, lengths[length]?.[1] ?? null);
      wakeAll();
      onClose();
    } catch (error) {
      setBusy(false);
      setProblem(error instanceof ApiError ? error.message : String(error));
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form class="form" onSubmit={submit} noValidate>
        <label class="field">
          <span>{label}</span>
          <textarea
            rows={4}
            maxLength={2000}
            value={text}
            autoFocus
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        {asksTime && (
          <label class="field">
            <span>Lasts</span>
            <select value={length} onChange={(event) => setLength(Number(event.currentTarget.value))}>
              {lengths.map(([name], i) => (
                <option key={name} value={i}>
                  {name}
                </option>
              ))}
            </select>
          </label>
        )}
        <FormEnd problem={problem} label={title} isBusy={isBusy} onClose={onClose} />
      </form>
    </Dialog>
  );
}
