import type { TryScheduler } from "@multimaster/data";
import { useState } from "preact/hooks";
import { wakeAll } from "../api/live-query.ts";
import { ApiError, call } from "../api/read.ts";
import { navigate } from "../router.ts";
import { Dialog } from "../shell/dialog.tsx";
import { FormEnd } from "../shell/form-end.tsx";
import { useFocusOnProblem } from "../shell/use-focus-on-problem.ts";
import { ForceField } from "./force-field.tsx";
import { defaultValues, type FormValues } from "./force-fields.ts";
import { fieldsOfTry, readTry } from "./try-fields.ts";

/** Asks for a difference, and builds it before it is in a repository. */
export function TryDialog({
  scheduler,
  builder,
  onClose,
}: {
  scheduler: TryScheduler;
  /** The builder that is chosen at first. */
  builder: string;
  onClose: () => void;
}) {
  const fields = fieldsOfTry(scheduler, builder);
  const [values, setValues] = useState<FormValues>(() => defaultValues(fields));
  const [file, setFile] = useState<Uint8Array>();
  const [problems, setProblems] = useState<Readonly<Record<string, string>>>({});
  const shown = useFocusOnProblem(problems);
  const [failure, setFailure] = useState("");
  const [isBusy, setBusy] = useState(false);

  const submit = async (event: Event) => {
    event.preventDefault();
    const read = readTry(values, file);
    setFailure("");
    if ("problems" in read) return setProblems(read.problems);
    setProblems({});
    setBusy(true);
    try {
      const path = `tryschedulers/${encodeURIComponent(scheduler.name)}` as const;
      const [, requests] = await call("tryschedulers", path, "try", read.params);
      wakeAll();
      onClose();
      const [request] = Object.values(requests);
      if (request !== undefined) navigate(`/buildrequests/${request}`);
    } catch (error) {
      setBusy(false);
      setFailure(error instanceof ApiError ? error.message : String(error));
    }
  };
  const [patch, ...others] = fields.map((field, i) => (
    <ForceField
      key={i}
      field={field}
      values={values}
      problems={problems}
      onValue={(name, value) => setValues((all) => ({ ...all, [name]: value }))}
    />
  ));
  return (
    <Dialog title={`Try a difference: ${scheduler.name}`} onClose={onClose}>
      <form ref={shown} class="form" onSubmit={submit} noValidate>
        {patch}
        <label class="field">
          <span>Or a file with it</span>
          <input
            type="file"
            onChange={async ({ currentTarget }) => {
              const [chosen] = currentTarget.files ?? [];
              setFile(chosen && new Uint8Array(await chosen.arrayBuffer()));
            }}
          />
        </label>
        {others}
        <FormEnd problem={failure} label="Try" isBusy={isBusy} onClose={onClose} />
      </form>
    </Dialog>
  );
}
