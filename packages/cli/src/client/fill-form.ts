import { errors, type Json } from "@multimaster/core";
import type { ForceScheduler, FormField } from "@multimaster/data";

/** The options of a command line that forces a build. */
export interface Wishes {
  readonly builders?: readonly string[];
  readonly branch?: string;
  readonly revision?: string;
  readonly reason?: string;
  /** Each is NAME=VALUE. */
  readonly properties?: readonly string[];
  readonly fields?: readonly string[];
}

const stampFields = new Set(["branch", "revision", "repository", "project"]);

/** The named force scheduler, or the only one that forces all these builders. */
export function chooseForceScheduler(
  all: readonly ForceScheduler[],
  name: string | undefined,
  builders: readonly string[] = [],
): ForceScheduler {
  if (name !== undefined) {
    const named = all.find((scheduler) => scheduler.name === name);
    if (named) return named;
    throw errors.notFound(
      `There is no force scheduler "${name}" (have: ${all.map((scheduler) => scheduler.name).join(", ") || "none"}).`,
    );
  }
  const fitting = all.filter(
    ({ enabled, builder_names: names }) => enabled && builders.every((builder) => names.includes(builder)),
  );
  const [only] = fitting;
  if (!only && builders.length > 0) throw errors.builderNotForced(builders, forcedNames(all));
  if (only && fitting.length === 1) return only;
  throw errors.forceSchedulerToChoose(fitting.map((scheduler) => scheduler.name));
}

function forcedNames(all: readonly ForceScheduler[]): string[] {
  return [...new Set(all.flatMap(({ enabled, builder_names: names }) => (enabled ? names : [])))];
}

/** The parameters of `force`, by the form's own names; what the form has no place for is said here, all else by the master. */
export function fillForceForm(scheduler: ForceScheduler, wishes: Wishes): Record<string, Json> {
  const form = scheduler.all_fields;
  const leaves = form.flatMap(listLeaves);
  const filled: Record<string, Json> = Object.create(null) as Record<string, Json>;
  const problems: string[] = [];

  const set = (field: FormField, value: string) => {
    const name = nameOf(field);
    const before = filled[name];
    filled[name] = field.multiple ? [...((before as readonly Json[] | undefined) ?? []), value] : value;
  };

  function setStamp(name: "branch" | "revision", value: string | undefined): void {
    if (value === undefined) return;
    const places = form.filter(isCodebase).flatMap(({ fields = [] }) => fields.filter((field) => field.name === name));
    const [place] = places;
    if (place && places.length === 1) set(place, value);
    else {
      const names = places.map((field) => `--field ${nameOf(field)}=…`);
      problems.push(
        places.length === 0
          ? `${name}: this form has no such field`
          : `${name}: there are several codebases; use ${names.join(" or ")}`,
      );
    }
  }

  const slots = form.flatMap(listSlots);
  function setProperty(text: string): void {
    const [name, value] = splitPair(text);
    const field = leaves.find((leaf) => leaf.name === name && !slots.some((slot) => slot.includes(leaf)));
    if (field) return set(field, value);
    const [nameField, valueField] = slots.shift() ?? [];
    if (!nameField || !valueField) {
      problems.push(`${name}: this form has no (further) field for it (have: ${listNames(leaves)})`);
      return;
    }
    set(nameField, name);
    set(valueField, value);
  }

  function setField(text: string): void {
    const [name, value] = splitPair(text);
    const field = leaves.find((leaf) => nameOf(leaf) === name);
    if (field) set(field, value);
    else problems.push(`${name}: no such field (have: ${listNames(leaves)})`);
  }

  setStamp("branch", wishes.branch);
  setStamp("revision", wishes.revision);
  if (wishes.reason !== undefined) setField(`reason=${wishes.reason}`);
  for (const text of wishes.fields ?? []) setField(text);
  for (const text of wishes.properties ?? []) setProperty(text);
  if (problems.length > 0) throw errors.fieldsRefused(problems);
  if (wishes.builders && wishes.builders.length > 0) filled["builderNames"] = [...wishes.builders];
  return filled;
}

/** Splits NAME=VALUE; the value may be empty and may contain "=". */
function splitPair(text: string): [name: string, value: string] {
  const at = text.indexOf("=");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

function nameOf({ name, fullName }: FormField): string {
  return fullName ?? name;
}

function listLeaves(field: FormField): FormField[] {
  return field.fields ? field.fields.flatMap(listLeaves) : [field];
}

function isCodebase({ fields = [] }: FormField): boolean {
  return fields.length > 0 && fields.every(({ name }) => stampFields.has(name));
}

/** Fields for properties of any name: one for the name and one for the value. */
function listSlots(field: FormField): [FormField, FormField][] {
  const [first, second, third] = field.fields ?? [];
  if (first && second && !third && first.name === "name" && second.name === "value") return [[first, second]];
  return (field.fields ?? []).flatMap(listSlots);
}

function listNames(leaves: readonly FormField[]): string {
  return leaves
    .filter(({ type }) => type !== "fixed")
    .map(nameOf)
    .join(", ");
}
