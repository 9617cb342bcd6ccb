/** A field of a force form, as its scheduler publishes it (`all_fields`). */
export interface FormField {
  readonly name: string;
  readonly fullName: string | null;
  readonly type: string;
  readonly label?: string;
  readonly tooltip?: string;
  readonly default?: unknown;
  readonly required?: boolean;
  readonly multiple?: boolean;
  readonly hide?: boolean;
  readonly strict?: boolean;
  readonly choices?: readonly unknown[];
  readonly fields?: readonly FormField[];
}

export type FormValues = Readonly<Record<string, unknown>>;

/** The fields that hold a value, nests taken apart. */
export function listFields(fields: readonly FormField[]): FormField[] {
  return fields.flatMap((field) => (field.fields ? listFields(field.fields) : [field]));
}

export function keyOf(field: FormField): string {
  return field.fullName ?? field.name;
}

/** What a form starts with. */
export function defaultValues(fields: readonly FormField[]): FormValues {
  return Object.fromEntries(
    listFields(fields).map((field) => [keyOf(field), field.default ?? (field.multiple ? [] : emptyOf(field.type))]),
  );
}

function emptyOf(type: string): unknown {
  return type === "bool" ? false : type === "int" ? 0 : "";
}
