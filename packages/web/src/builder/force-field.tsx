import type { FormField } from "@multimaster/data";
import { useRows } from "../api/live-query.ts";
import { type FormValues, keyOf } from "./force-fields.ts";

/** What a field is called; one that has only its name begins like the others. */
function labelOf({ name, label = name }: FormField): string {
  const text = label.replace(/:$/, "");
  return text === name ? text.slice(0, 1).toUpperCase() + text.slice(1) : text;
}

/** What ties an input to its label, its hint and its problem. */
interface Described {
  readonly id: string;
  readonly "aria-describedby": string | undefined;
}

/** One field with its label, or a group of fields. */
export function ForceField({
  field,
  values,
  problems,
  builderid,
  onValue,
}: {
  field: FormField;
  values: FormValues;
  problems: Readonly<Record<string, string>>;
  /** Branches that this builder has built are offered. */
  builderid?: number | undefined;
  onValue: (name: string, value: unknown) => void;
}) {
  if (field.hide || field.type === "fixed") return null;
  if (field.fields) {
    const inner = field.fields.map((each, i) => (
      <ForceField key={i} field={each} {...{ values, problems, builderid, onValue }} />
    ));
    return field.label ? (
      <fieldset>
        <legend>{field.label}</legend>
        {inner}
      </fieldset>
    ) : (
      inner
    );
  }
  const name = keyOf(field);
  const problem = problems[name];
  const id = `force-${name}`;
  const describedBy =
    [field.tooltip && `${id}-hint`, problem && `${id}-problem`].filter(Boolean).join(" ") || undefined;
  const described = { id, "aria-invalid": problem !== undefined, "aria-describedby": describedBy };
  const offered = builderid !== undefined && field.name === "branch" ? builderid : undefined;
  const input = (
    <Input {...{ field, described }} value={values[name]} branchesOf={offered} onValue={(v) => onValue(name, v)} />
  );
  return (
    <div class={field.type === "bool" ? "field check" : "field"}>
      {field.type === "bool" && input}
      <label id={`${id}-label`} for={id}>
        {labelOf(field)}
        {field.required && <span class="quiet"> (required)</span>}
      </label>
      {field.type !== "bool" && input}
      {field.tooltip && (
        <p id={`${id}-hint`} class="quiet hint">
          {field.tooltip}
        </p>
      )}
      {problem && (
        <p id={`${id}-problem`} class="problem">
          {problem}
        </p>
      )}
    </div>
  );
}

function Input({
  field,
  value,
  described,
  branchesOf,
  onValue,
}: {
  field: FormField;
  value: unknown;
  described: Described;
  branchesOf: number | undefined;
  onValue: (value: unknown) => void;
}) {
  const text = typeof value === "string" || typeof value === "number" ? String(value) : "";
  const choices = field.choices?.map(String) ?? [];
  const onText = (event: Event) => onValue((event.currentTarget as HTMLInputElement).value);
  if (field.type === "bool")
    return (
      <input
        {...described}
        type="checkbox"
        checked={value === true}
        onChange={(event) => onValue(event.currentTarget.checked)}
      />
    );
  if (field.type === "textarea") return <textarea {...described} rows={4} value={text} onInput={onText} />;
  if (choices.length > 0 && field.multiple)
    return (
      <Checkboxes
        choices={choices}
        chosen={Array.isArray(value) ? value.map(String) : []}
        {...{ described, onValue }}
      />
    );
  if (choices.length > 0 && field.strict !== false)
    return (
      <select {...described} value={text} onChange={onText}>
        {choices.map((choice) => (
          <option key={choice}>{choice}</option>
        ))}
      </select>
    );
  return (
    <>
      <input
        {...described}
        type={field.type === "int" ? "number" : "text"}
        value={text}
        list={choices.length > 0 || branchesOf !== undefined ? `${described.id}-choices` : undefined}
        onInput={onText}
      />
      {branchesOf !== undefined && choices.length === 0 && (
        <BranchesOf builderid={branchesOf} text={text} listid={`${described.id}-choices`} />
      )}
      {choices.length > 0 && (
        <datalist id={`${described.id}-choices`}>
          {choices.map((choice) => (
            <option key={choice} value={choice} />
          ))}
        </datalist>
      )}
    </>
  );
}

/** Several of some choices. */
function Checkboxes({
  choices,
  chosen,
  described: { id, "aria-describedby": describedBy },
  onValue,
}: {
  choices: readonly string[];
  chosen: readonly string[];
  described: Described;
  onValue: (value: readonly string[]) => void;
}) {
  return (
    <fieldset class="checkboxes" aria-labelledby={`${id}-label`} aria-describedby={describedBy}>
      {choices.map((choice) => (
        <label key={choice}>
          <input
            type="checkbox"
            checked={chosen.includes(choice)}
            // In the order of the form, whatever was ticked first.
            onChange={({ currentTarget: { checked } }) =>
              onValue(choices.filter((each) => (each === choice ? checked : chosen.includes(each))))
            }
          />{" "}
          {choice}
        </label>
      ))}
    </fieldset>
  );
}

const mostBranches = 30;

/** Branches that the builder has built, as the server finds them for what was typed. */
function BranchesOf({ builderid, text, listid }: { builderid: number; text: string; listid: string }) {
  const found = useRows("builder_lines", `builders/${builderid}/lines`, {
    limit: mostBranches,
    order: "-lineid",
    ...(text === "" ? {} : { words__contains: text.toLowerCase() }),
  });
  return (
    <datalist id={listid}>
      {found.rows?.map(({ lineid, source }) => (
        <option key={lineid} value={source} />
      ))}
    </datalist>
  );
}
