import type { FormField } from "@multimaster/data";
import { type FormValues, keyOf } from "./force-fields.ts";

/** What a field is called; one that has only its name begins like the others. */
function labelOf({ name, label = name }: FormField): string {
  const text = label.replace(/:$/, "");
  return text === name ? text.slice(0, 1).toUpperCase() + text.slice(1) : text;
}

/** One field with its label, or a group of fields. */
export function ForceField({
  field,
  values,
  problems,
  onValue,
}: {
  field: FormField;
  values: FormValues;
  problems: Readonly<Record<string, string>>;
  onValue: (name: string, value: unknown) => void;
}) {
  if (field.hide || field.type === "fixed") return null;
  if (field.fields) {
    const inner = field.fields.map((each, i) => (
      <ForceField key={i} field={each} values={values} problems={problems} onValue={onValue} />
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
  const described = { id, "aria-invalid": problem !== undefined, "aria-describedby": problem && `${id}-problem` };
  const input = <Input field={field} value={values[name]} described={described} onValue={(v) => onValue(name, v)} />;
  return (
    <div class={field.type === "bool" ? "field check" : "field"}>
      {field.type === "bool" && input}
      <label for={id} title={field.tooltip}>
        {labelOf(field)}
        {field.required && <span class="quiet"> (required)</span>}
      </label>
      {field.type !== "bool" && input}
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
  onValue,
}: {
  field: FormField;
  value: unknown;
  described: { readonly id: string };
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
      <select
        {...described}
        multiple
        onChange={(event) => onValue([...event.currentTarget.selectedOptions].map((option) => option.value))}
      >
        {choices.map((choice) => (
          <option key={choice} selected={Array.isArray(value) && value.includes(choice)}>
            {choice}
          </option>
        ))}
      </select>
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
        list={choices.length > 0 ? `${described.id}-choices` : undefined}
        onInput={onText}
      />
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
