import {
  boundedPattern,
  type Json,
  PatternTooSlow,
  type SourcedProperties,
  type SourcedProperty,
} from "@multimaster/core";
import type { FormField } from "../resources/form-field.ts";
import type { NewSourceStamp } from "../updates/add-buildset.ts";

/** A filled-in form: what is to be built and with which properties. */
export interface FilledForm {
  readonly username: string;
  readonly reason: string;
  readonly priority: number;
  readonly sourceStamps: readonly NewSourceStamp[];
  readonly properties: SourcedProperties;
}

/** Full name of a field to what is wrong with its value. */
export type FieldProblems = Readonly<Record<string, string>>;

/** Most characters of a field without a size of its own: of one line, and of several. */
const longestLine = 4096;
const longestText = 65_536;

const email = boundedPattern("\\S.*<\\S+@\\S+>");

const stampFields = ["branch", "revision", "repository", "project"] as const;
const source = "Force Build Form";

type Values = { [name: string]: Json };

/** Checks what was sent against the form; values that were not sent are the form's defaults. */
export function fillForm(
  form: readonly FormField[],
  params: Readonly<Record<string, Json>>,
): FilledForm | { problems: FieldProblems } {
  const problems: Record<string, string> = {};
  const values: Values = Object.create(null) as Values;
  const sourceStamps: NewSourceStamp[] = [];
  for (const field of form) {
    if (!isCodebase(field)) readField(field, params, values, problems);
    else {
      const stamp: Values = {};
      for (const each of field.fields ?? []) readField(each, params, stamp, problems);
      sourceStamps.push(makeSourceStamp(field.name, stamp));
    }
  }
  if (Object.keys(problems).length > 0) return { problems };
  const { username = "", reason = "", priority = 0, ...rest } = values;
  const properties = Object.create(null) as Record<string, SourcedProperty>;
  for (const [name, value] of Object.entries(rest)) properties[name] = [value, source];
  return {
    username: String(username ?? ""),
    reason: String(reason ?? ""),
    priority: Number(priority),
    sourceStamps: sourceStamps.length > 0 ? sourceStamps : [makeSourceStamp("", {})],
    properties,
  };
}

/** A nest of exactly these fields asks for a codebase. */
function isCodebase({ fields }: FormField): boolean {
  return (
    fields !== undefined &&
    fields.length > 0 &&
    fields.every(({ name }) => (stampFields as readonly string[]).includes(name))
  );
}

/** Blank fields become empty texts and not null, so that they match the source stamps of Buildbot's forms. */
function makeSourceStamp(codebase: string, stamp: Values): NewSourceStamp {
  const read = (name: string) => String(stamp[name] ?? "");
  return {
    branch: read("branch"),
    revision: read("revision"),
    repository: read("repository"),
    project: read("project"),
    codebase,
  };
}

function readField(
  field: FormField,
  params: Readonly<Record<string, Json>>,
  into: Values,
  problems: Record<string, string>,
): void {
  if (field.fields) return readNest(field, field.fields, params, into, problems);
  const fullName = field.fullName ?? field.name;
  const answer = readValue(
    field,
    field.type === "fixed" ? undefined : Object.hasOwn(params, fullName) ? params[fullName] : undefined,
  );
  if ("problem" in answer) problems[fullName] = answer.problem;
  else into[field.name] = answer.value;
}

/** A named nest becomes one property with an object; one without a name only groups its fields. */
function readNest(
  nest: FormField,
  fields: readonly FormField[],
  params: Readonly<Record<string, Json>>,
  into: Values,
  problems: Record<string, string>,
): void {
  const inner: Values = nest.name === "" ? into : (Object.create(null) as Values);
  for (const field of fields) readField(field, params, inner, problems);
  if (nest.type === "any" || isAnyProperty(fields)) {
    // A free property: its name and its value were typed in; no name, no property.
    if (typeof inner["name"] === "string" && inner["name"] !== "") into[inner["name"]] = inner["value"] ?? "";
  } else if (nest.name !== "") into[nest.name] = { ...inner };
}

function isAnyProperty(fields: readonly FormField[]): boolean {
  return fields.length === 2 && fields[0]?.name === "name" && fields[1]?.name === "value";
}

type Answer = { readonly value: Json } | { readonly problem: string };

function readValue(field: FormField, given: Json | undefined): Answer {
  const blank =
    given === undefined || given === null || given === "" || (typeof given === "string" && given.trim() === "");
  if (blank && field.type !== "bool") {
    if (field.required) return { problem: `'${field.label ?? field.name}' needs to be specified` };
    if (given === undefined || given === null || field.type === "int")
      return { value: field.default ?? (field.type === "int" ? 0 : "") };
    return { value: "" };
  }
  if (field.type === "int") return readInteger(field, given as Json);
  if (field.type === "bool") return { value: given === undefined ? Boolean(field.default) : isTrue(given) };
  if (field.multiple) return readMany(field, given as Json);
  return readText(field, given as Json);
}

function isTrue(value: Json): boolean {
  return value === true || value === 1 || (typeof value === "string" && /^(true|on|yes|1)$/i.test(value.trim()));
}

function readInteger(field: FormField, given: Json): Answer {
  const text = showValue(given).trim();
  const number = Number(text);
  if (!/^[+-]?\d+$/.test(text) || Math.abs(number) > 2 ** 31 - 1)
    return { problem: `${field.label ?? field.name}: '${text}' is no integer` };
  return { value: number };
}

function readMany(field: FormField, given: Json): Answer {
  const list = Array.isArray(given) ? (given as readonly Json[]) : [given];
  const odd = list.find((value) => typeof value !== "string" && !(field.choices ?? []).includes(value));
  if (odd !== undefined) return { problem: `${field.label ?? field.name}: '${showValue(odd)}' must be a text` };
  if (JSON.stringify(list).length > (field.maxsize ?? longestText))
    return { problem: `${field.label ?? field.name}: is too large` };
  const wrong = list.find((value) => isNoChoice(field, value));
  return wrong === undefined ? { value: [...list] } : { problem: choiceProblem(field, wrong) };
}

function readText(field: FormField, given: Json): Answer {
  // A choice of the form may be a number; anything else that is filled in is a text.
  const isChoice = field.type === "list" && field.choices !== undefined && field.choices.includes(given);
  if (typeof given !== "string" && !isChoice) return { problem: `${field.label ?? field.name}: must be a text` };
  const text = String(given);
  const label = field.label ?? field.name;
  const maxsize = field.maxsize ?? (field.type === "textarea" ? longestText : longestLine);
  if (text.length > maxsize) {
    return { problem: `${label}: is too large: ${text.length} characters, the maximum is ${maxsize}` };
  }
  const problem = field.regex == null ? undefined : checkPattern(field.regex, text);
  if (problem !== undefined) return { problem: `${label}: ${problem}` };
  if (field.need_email && !email.test(text)) {
    return { problem: `${field.name}: please fill in email address in the form 'User <email@email.com>'` };
  }
  if (isNoChoice(field, given)) return { problem: choiceProblem(field, given) };
  return { value: given };
}

/** As Python's re.match: from the start, not necessarily to the end. What cannot be checked is refused. */
function checkPattern(pattern: string, text: string): string | undefined {
  try {
    return boundedPattern(`^(?:${pattern})`).test(text) ? undefined : `'${text}' does not match the pattern ${pattern}`;
  } catch (error) {
    if (error instanceof PatternTooSlow) return error.message;
    return `its pattern ${pattern} is none that this master can check, so nothing is taken; mend it in the config`;
  }
}

function isNoChoice(field: FormField, value: Json): boolean {
  return (
    field.type === "list" && field.strict !== false && field.choices !== undefined && !field.choices.includes(value)
  );
}

function choiceProblem(field: FormField, value: Json): string {
  return `'${showValue(value)}' does not belong to list of available choices '${(field.choices ?? []).map(showValue).join(", ")}'`;
}

/** A value as text; objects have no text of their own. */
export function showValue(value: Json): string {
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
}
