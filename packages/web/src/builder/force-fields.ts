import type { Build, Buildset, FormField } from "@multimaster/data";
import type { Visitor } from "../format/visitor.ts";

export type FormValues = Readonly<Record<string, unknown>>;

/** The fields that hold a value, also those within groups. */
export function listFields(fields: readonly FormField[]): FormField[] {
  return fields.flatMap((field) => (field.fields ? listFields(field.fields) : [field]));
}

export function keyOf(field: FormField): string {
  return field.fullName ?? field.name;
}

/** The initial values of a form. */
export function defaultValues(fields: readonly FormField[]): FormValues {
  return Object.fromEntries(
    listFields(fields).map((field) => [keyOf(field), field.default ?? (field.multiple ? [] : emptyOf(field.type))]),
  );
}

/** The values that an address gives: `?target=prod&flag=true`, and a name several times for a field that takes several. */
export function valuesOfQuery(fields: readonly FormField[], query: URLSearchParams): FormValues {
  return Object.fromEntries(
    listFields(fields)
      .filter((field) => query.has(keyOf(field)))
      .map((field) => {
        const given = query.getAll(keyOf(field));
        const last = given.at(-1) ?? "";
        return [keyOf(field), field.multiple ? given : field.type === "bool" ? /^(true|on|yes|1)$/i.test(last) : last];
      }),
  );
}

/** Whether the form has to ask for the name: what it calls a logged-in user is theirs, unless it wants an address they have not. */
export function asksFor({ type, need_email: wantsAddress = false }: FormField, visitor: Visitor | undefined): boolean {
  return type !== "username" || !visitor || visitor.anonymous || (wantsAddress && !visitor.email);
}

/** How a force form names a logged-in user. */
export function nameOf({
  full_name: name,
  username,
  email,
}: Pick<Visitor, "full_name" | "username" | "email">): string {
  const shown = name ?? username ?? "";
  return email ? `${shown} <${email}>` : shown;
}

const stampFields = ["branch", "revision", "repository", "project"] as const;

/** The values with which the form would have requested this build; fields that the build does not determine are left out. */
export function valuesOfBuild(
  fields: readonly FormField[],
  { properties }: Pick<Build, "properties">,
  stamps: Buildset["sourcestamps"],
): FormValues {
  const all = Object.entries(properties ?? {}).map(([name, [value]]) => [name, value] as const);
  const values = new Map<string, unknown>(all.filter(([name]) => name !== "reason"));
  const readField = (field: FormField, known: ReadonlyMap<string, unknown>): [string, unknown][] => {
    if (field.fields) return readGroup(field, field.fields);
    return known.has(field.name) ? [[keyOf(field), known.get(field.name)]] : [];
  };
  const readGroup = (group: FormField, inner: readonly FormField[]): [string, unknown][] => {
    if (inner.every(({ name }) => stampFields.some((each) => each === name))) {
      const stamp = stamps.find(({ codebase }) => codebase === group.name);
      const stampValues = stampFields.map((name) => [name, stamp?.[name] ?? ""] as const);
      return stamp ? inner.flatMap((field) => readField(field, new Map(stampValues))) : [];
    }
    const value = group.name === "" ? undefined : values.get(group.name);
    const known = typeof value === "object" && value !== null ? new Map(Object.entries(value)) : values;
    return inner.flatMap((field) => readField(field, group.name === "" ? values : known));
  };
  return Object.fromEntries(fields.flatMap((field) => readField(field, values)));
}

function emptyOf(type: string): unknown {
  return type === "bool" ? false : type === "int" ? 0 : "";
}
