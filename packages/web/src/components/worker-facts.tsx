import type { Worker } from "@multimaster/data";
import { useState } from "preact/hooks";
import { wakeAll } from "../api/live-query.ts";
import { ApiError, call } from "../api/read.ts";
import { Dialog } from "../shell/dialog.tsx";
import { FormEnd } from "../shell/form-end.tsx";
import { In, When } from "./when.tsx";

/** Why a worker takes no builds, what is held against it, who looks after it, and its note. */
export function WorkerFacts({ worker }: { worker: Worker }) {
  const { paused, paused_by, paused_at, quarantined_at, quarantine_reason, probation_at } = worker;
  return (
    <>
      {worker.missing_since !== null && worker.away_since !== null && (
        <p class="about">
          <strong>Missing</strong>
          <span>
            away since <When at={worker.away_since} />, reported <When at={worker.missing_since} />
          </span>
        </p>
      )}
      {paused && quarantined_at !== null && (
        <p class="about">
          <strong>Quarantined</strong>
          <span>
            since <When at={quarantined_at} />: {quarantine_reason}.{" "}
            {probation_at === null ? (
              "Resume it once it is well."
            ) : (
              <>
                A build is tried on it <In at={probation_at} />; it takes builds again unless that one fails because of
                it.
              </>
            )}
          </span>
        </p>
      )}
      {paused && quarantined_at === null && paused_at !== null && (
        <p class="about">
          <strong>Paused</strong>
          <span>
            {paused_by !== null && `by ${paused_by} `}
            <When at={paused_at} />
            {worker.pause_reason && `: ${worker.pause_reason}`}
          </span>
        </p>
      )}
      {worker.suspicion !== null && (
        <p class="about">
          <strong>Suspected</strong>
          <span>
            {worker.suspicion}. The last one: {worker.last_failure}
          </span>
        </p>
      )}
      <p class="about">
        {worker.owner !== null && <span>owner: {worker.owner}</span>}
        {worker.note !== null && worker.note !== "" && (
          <span>
            {worker.note}
            {worker.note_by !== null && <span class="quiet"> ({worker.note_by})</span>}
          </span>
        )}
        <NoteButton worker={worker} />
      </p>
    </>
  );
}

function NoteButton({ worker }: { worker: Worker }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button type="button" class="small" onClick={() => setOpen(true)}>
        {worker.note ? "Edit note" : "Add a note"}
      </button>
      {isOpen && <NoteDialog worker={worker} onClose={() => setOpen(false)} />}
    </>
  );
}

function NoteDialog({ worker, onClose }: { worker: Worker; onClose: () => void }) {
  const [note, setNote] = useState(worker.note ?? "");
  const [failure, setFailure] = useState("");
  const save = async (event: Event) => {
    event.preventDefault();
    try {
      await call("workers", `workers/${worker.workerid}`, "note", { note: note === "" ? null : note });
      wakeAll();
      onClose();
    } catch (error) {
      setFailure(error instanceof ApiError ? error.message : String(error));
    }
  };
  return (
    <Dialog title={`Note on ${worker.name}`} onClose={onClose}>
      <form class="form" onSubmit={save}>
        <div class="field">
          <label for="worker-note">What users should know about it; empty: what the config says</label>
          <textarea
            id="worker-note"
            rows={4}
            maxLength={2000}
            value={note}
            onInput={(event) => setNote(event.currentTarget.value)}
          />
        </div>
        <FormEnd problem={failure} label="Save" onClose={onClose} />
      </form>
    </Dialog>
  );
}
