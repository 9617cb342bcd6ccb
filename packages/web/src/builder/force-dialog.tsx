import type { ForceScheduler } from "@multimaster/data";
import { useState } from "preact/hooks";
import { wakeAll } from "../api/live-query.ts";
import { ApiError, call } from "../api/read.ts";
import { useVisitor } from "../format/visitor.ts";
import { navigate } from "../router.ts";
import { Dialog } from "../shell/dialog.tsx";
import { FormEnd } from "../shell/form-end.tsx";
import { useFocusOnProblem } from "../shell/use-focus-on-problem.ts";
import { ForceField } from "./force-field.tsx";
import { asksFor, defaultValues, type FormValues, keyOf, listFields, nameOf } from "./force-fields.ts";

/** The form of a force scheduler; the problem of a value is shown at its field. */
export function ForceDialog({
  form,
  builderid,
  values: initial,
  onClose,
}: {
  form: ForceScheduler;
  builderid: number;
  /** Initial values of the fields, instead of their defaults. */
  values?: FormValues;
  onClose: () => void;
}) {
  const fields = form.all_fields;
  const [values, setValues] = useState<FormValues>(() => ({ ...defaultValues(fields), ...initial }));
  const [problems, setProblems] = useState<Readonly<Record<string, string>>>({});
  const [failure, setFailure] = useState("");
  const [isBusy, setBusy] = useState(false);
  const shown = useFocusOnProblem(problems);
  const known = new Set(listFields(fields).map(keyOf));
  const visitor = useVisitor();
  const own = listFields(fields).filter((field) => !asksFor(field, visitor));
  const named = visitor ? Object.fromEntries(own.map((field) => [keyOf(field), nameOf(visitor)])) : {};
  const otherProblems = Object.entries(problems).filter(([name]) => !known.has(name));

  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setProblems({});
    setFailure("");
    try {
      const path = `forceschedulers/${encodeURIComponent(form.name)}` as const;
      const [, requests] = await call("forceschedulers", path, "force", {
        ...values,
        ...named,
        builderid: String(builderid),
      });
      wakeAll();
      onClose();
      const [request] = Object.values(requests);
      if (request !== undefined) navigate(`/buildrequests/${request}`);
    } catch (error) {
      setBusy(false);
      const known = error instanceof ApiError ? error : new ApiError(0, String(error));
      setProblems(known.fields);
      setFailure(known.message);
    }
  };
  return (
    <Dialog title={form.label} onClose={onClose}>
      <form ref={shown} class="form" onSubmit={submit} noValidate>
        {fields
          .filter((field) => asksFor(field, visitor))
          .map((field, i) => (
            <ForceField
              key={i}
              builderid={builderid}
              field={field}
              values={values}
              problems={problems}
              onValue={(name, value) => setValues((all) => ({ ...all, [name]: value }))}
            />
          ))}
        <FormEnd
          problem={failure && `${failure} ${otherProblems.map(([name, text]) => `${name}: ${text}`).join("; ")}`}
          label={form.button_name === form.name ? "Start build" : form.button_name}
          isBusy={isBusy}
          onClose={onClose}
        />
      </form>
    </Dialog>
  );
}
