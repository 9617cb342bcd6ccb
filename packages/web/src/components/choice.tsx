/** A labelled list to choose from: `[value, text]`, or just values that are their own text. */
export function Choice({
  label,
  value,
  options,
  onChoose,
}: {
  label: string;
  value: string | undefined;
  options: readonly (string | readonly [value: string, text: string])[];
  onChoose: (value: string) => void;
}) {
  return (
    <label>
      <span class="quiet">{label}</span>{" "}
      <select value={value} onChange={(event) => onChoose(event.currentTarget.value)}>
        {options.map((option) => {
          const [key, text] = typeof option === "string" ? [option, option] : option;
          return (
            <option key={key} value={key}>
              {text}
            </option>
          );
        })}
      </select>
    </label>
  );
}

/** The first option of a filter. */
export const any = ["", "any"] as const;
