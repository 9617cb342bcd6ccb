import { describePlainly, findGreatest } from "@multimaster/core";
import type { z } from "zod";

type Issue = z.core.$ZodIssue;
type Schema = z.core.$ZodType;

/** A zod issue of a value as `path: what is wrong and what would be right`, with list indexes in brackets. */
export function describeIssue(issue: Issue, schema: Schema, given: unknown): string[] {
  return explainIssue(issue, schema, given).map(({ path, message }) =>
    path.length > 0 ? `${formatPath(path)}: ${message}` : message,
  );
}

/** Formats `["schedulers", 2, "builders"]` as `schedulers[2].builders`. */
export function formatPath(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`))
    .join("")
    .replace(/^\./, "");
}

/** What a zod issue of a value means to a config author; one that speaks of several keys becomes several. */
export function explainIssue(issue: Issue, schema: Schema, given: unknown): { path: PropertyKey[]; message: string }[] {
  // Zod counts the parameters of a function where a list is expected; that it is no list is another issue.
  const isLimit = issue.code === "too_small" || issue.code === "too_big";
  if (isLimit && typeof valueAt(given, issue.path) === "function") return [];
  // A union that says itself what it takes.
  const isOwnSentence = issue.message !== "Invalid input";
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    // If the value has the kind of one branch and an error inside, that branch has the deepest path.
    const branches = issue.errors.filter((branch) => branch.length > 0);
    const deepest = branches.toSorted((a, b) => depth(b) - depth(a))[0];
    if (deepest && depth(deepest) > 0) {
      return deepest.flatMap((inner) =>
        explainIssue({ ...inner, path: [...issue.path, ...inner.path] }, schema, given),
      );
    }
    const input = valueAt(given, issue.path);
    if (isOwnSentence && input !== undefined) return [{ path: issue.path, message: issue.message }];
    const messages = branches.flatMap((branch) => (branch[0] ? [plainBranchMessage(branch[0], input)] : []));
    return [{ path: issue.path, message: explainAbsence(joinExpectations(messages), issue.path, given) }];
  }
  if (issue.code === "unrecognized_keys") {
    const known = knownKeys(schema, issue.path, given);
    const hint = known.length > 0 ? ` (have: ${known.join(", ")})` : "";
    return issue.keys.map((key) => ({ path: [...issue.path, key], message: `unknown option${hint}` }));
  }
  return [{ path: issue.path, message: explainAbsence(describePlainly(issue), issue.path, given) }];
}

/** An option that is not there, or that came out undefined, as `env` of a variable that is not set. */
function explainAbsence(message: string, path: readonly PropertyKey[], given: unknown): string {
  const expected = /^expected (.*), received undefined$/.exec(message)?.[1];
  if (expected === undefined) return message;
  const parent = valueAt(given, path.slice(0, -1));
  const isNamed = typeof parent === "object" && parent !== null && path.length > 0 && (path.at(-1) ?? "") in parent;
  const what = isNamed ? "has no value (an environment variable that is not set?)" : "is missing";
  return `${what}; expected ${expected}`;
}

function valueAt(given: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | null | undefined)?.[key], given);
}

/** Of one branch of a union: a fixed value is like a type that the branch takes, unless the value given is one of its kind. */
function plainBranchMessage(issue: Issue, input: unknown): string {
  if (
    input === undefined ||
    issue.code !== "invalid_value" ||
    issue.values.some((value) => typeof value === "string" && isText(input))
  )
    return describePlainly(issue);
  const words = issue.values.map((value) => JSON.stringify(value));
  return `expected ${words.join(" or ")}, received ${typeof input === "boolean" ? input : typeName(input)}`;
}

const isText = (input: unknown) => typeof input === "string";

/**
 * "expected string, received number", "expected array, received number" as "expected string or array, received number".
 * If a branch takes values of this type, only that branch says what is wrong.
 */
function joinExpectations(messages: readonly string[]): string {
  const fitting = messages.filter((message) => !/^expected .*, received /.test(message));
  if (fitting.length > 0) return [...new Set(fitting)].join(", or ");
  const parts = messages.map((message) => /^expected (.*), received (.*)$/.exec(message));
  const received = parts[0]?.[2] ?? "something else";
  const words = [...new Set(parts.flatMap((part) => part?.[1] ?? []))];
  // A function is what a config rarely has there.
  const ordered = [...words.filter((word) => word !== "function"), ...words.filter((word) => word === "function")];
  return `expected ${ordered.join(" or ")}, received ${received}`;
}

/** The type of a value as zod names it. */
export function typeName(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

function depth(issues: readonly Issue[]): number {
  return findGreatest(issues, (issue) => issue.path.length) ?? 0;
}

/** The keys of the object schema at `path`, of a union those of the branch that the value given is of; none if there is no such object. */
function knownKeys(schema: Schema, path: readonly PropertyKey[], given: unknown): string[] {
  const found = path.reduce<Schema[]>(
    (at, part) =>
      at.flatMap((each) => {
        const { shape, element, valueType } = definitionOf(each);
        const next = shape?.[String(part)] ?? element ?? valueType;
        return next ? branchesOf(next) : [];
      }),
    branchesOf(schema),
  );
  const shapes = found.map((each) => definitionOf(each).shape).filter((shape) => shape !== undefined);
  const value = valueAt(given, path) as Readonly<Record<string, unknown>> | undefined;
  const isOfKind = (shape: Readonly<Record<string, Schema>>) =>
    Object.entries(shape).every(([key, field]) => definitionOf(field).values?.includes(value?.[key]) ?? true);
  return Object.keys(shapes.find(isOfKind) ?? shapes[0] ?? {});
}

interface Definition {
  /** Of an object, an array, a record, a literal. */
  readonly shape?: Readonly<Record<string, Schema>>;
  readonly element?: Schema;
  readonly valueType?: Schema;
  readonly values?: readonly unknown[];
  /** Of what wraps others. */
  readonly innerType?: Schema;
  readonly in?: Schema;
  readonly options?: readonly Schema[];
  readonly getter?: () => Schema;
}

const definitionOf = (schema: Schema) => schema._zod.def as unknown as Definition;

/** What a schema is without what wraps it; of a union, each of its branches. */
function branchesOf(schema: Schema): Schema[] {
  const { innerType, in: input, options, getter } = definitionOf(schema);
  const inner = innerType ?? input ?? getter?.();
  if (inner) return branchesOf(inner);
  return options ? options.flatMap(branchesOf) : [schema];
}
