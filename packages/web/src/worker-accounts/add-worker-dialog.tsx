import { useState } from "preact/hooks";
import { wakeAll } from "../api/live-query.ts";
import { ApiError, call } from "../api/read.ts";
import { Dialog } from "../shell/dialog.tsx";
import { FormEnd } from "../shell/form-end.tsx";

const fields = [
  { name: "name", label: "Name, as builders name it", required: true },
  { name: "max_builds", label: "Builds at a time", type: "number" },
  { name: "owned_by", label: "Owner, best a mail address" },
  { name: "note", label: "Note for users" },
  { name: "missing_timeout", label: "Missing after, such as 12h" },
] as const;

type Values = Readonly<Partial<Record<(typeof fields)[number]["name"], string>>>;

/** Asks what is needed of a new worker; then shows its secret, which no one can read again. */
export function AddWorkerDialog({ onClose }: { onClose: () => void }) {
  const [values, setValues] = useState<Values>({ max_builds: "1" });
  const [secret, setSecret] = useState("");
  const [problem, setProblem] = useState("");
  const [isBusy, setBusy] = useState(false);

  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setProblem("");
    try {
      const { name = "", max_builds, ...texts } = values;
      const given = Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== ""));
      const account = { name, max_builds: Number(max_builds), ...given };
      const added = await call("worker_accounts", "worker_accounts", "add", account);
      setSecret(added.secret);
      wakeAll();
    } catch (error) {
      setProblem(error instanceof ApiError ? error.message : String(error));
    }
    setBusy(false);
  };

  if (secret !== "")
    return (
      <Dialog title={`Secret of ${values.name}`} onClose={onClose}>
        <div class="form">
          <p>The worker logs in with this secret as its password. It is shown only here, and only now.</p>
          <p>
            <code class="wide">{secret}</code>
          </p>
          <footer>
            <button type="button" class="primary" onClick={onClose}>
              Done
            </button>
          </footer>
        </div>
      </Dialog>
    );
  return (
    <Dialog title="Add worker" onClose={onClose}>
      <form class="form" onSubmit={submit}>
        {fields.map(({ name, label, ...more }) => (
          <label key={name} class="field">
            <span>{label}</span>
            <input
              {...more}
              value={values[name] ?? ""}
              onInput={(event) => setValues({ ...values, [name]: event.currentTarget.value })}
            />
          </label>
        ))}
        <FormEnd problem={problem} label="Add worker" isBusy={isBusy} onClose={onClose} />
      </form>
    </Dialog>
  );
}
