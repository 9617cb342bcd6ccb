import { findGreatest } from "@multimaster/core";
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
  // A union that says itself what it takes.
  const isOwnSentence = issue.message !== "Invalid input";
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    // If the value has the kind of one branch and an error inside, that branch has the deepest path.
    const branches = issue.errors.filter((branch) => branch.length > 0);
    const deepest = branches.toSorted((a, b) => depth(b) - depth(a))[0];
    if (deepest && depth(deepest) > 0) {
      return deepest.flatMap((inner) =>
        explainIssue(inner, schema, valueAt(given, issue.path)).map(({ path, message }) => ({
          path: [...issue.path, ...path],
          message,
        })),
      );
    }
    const input = valueAt(given, issue.path);
    if (isOwnSentence && input !== undefined) return [{ path: issue.path, message: issue.message }];
    const messages = branches.flatMap((branch) => (branch[0] ? [plainBranchMessage(branch[0], input)] : []));
    return [{ path: issue.path, message: explainAbsence(joinExpectations(messages), issue.path, given) }];
  }
  if (issue.code === "unrecognized_keys") {
    const known = knownKeys(schema, issue.path);
    const hint = known.length > 0 ? ` (have: ${known.join(", ")})` : "";
    return issue.keys.map((key) => ({ path: [...issue.path, key], message: `unknown option${hint}` }));
  }
  return [{ path: issue.path, message: explainAbsence(plainMessage(issue), issue.path, given) }];
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

function plainMessage(issue: Issue): string {
  if (issue.code === "too_small" && issue.message.startsWith("Too small")) return describeLimit(issue, "least");
  if (issue.code === "too_big" && issue.message.startsWith("Too big")) return describeLimit(issue, "most");
  if (issue.code === "invalid_value" && !issue.message.startsWith("must ")) return expectOneOf(issue.values);
  if (issue.code === "invalid_key" && issue.issues[0]) return plainMessage(issue.issues[0]);
  if (/expected int, received number$/.test(issue.message)) return "must be a whole number";
  const message = issue.message.replace(/^Invalid input(: )?/, "") || "is not valid";
  return message.replace(/^expected (int|record|tuple)\b/, (_, word: string) => `expected ${plainTypes[word]}`);
}

/** Of one branch of a union: a fixed value is like a type that the branch takes, unless the value given is one of its kind. */
function plainBranchMessage(issue: Issue, input: unknown): string {
  if (
    input === undefined ||
    issue.code !== "invalid_value" ||
    issue.values.some((value) => typeof value === "string" && isText(input))
  )
    return plainMessage(issue);
  const words = issue.values.map((value) => JSON.stringify(value));
  return `expected ${words.join(" or ")}, received ${typeof input === "boolean" ? input : typeName(input)}`;
}

const isText = (input: unknown) => typeof input === "string";

const plainTypes: Readonly<Record<string, string>> = { int: "whole number", record: "object", tuple: "array" };

function describeLimit(issue: Extract<Issue, { code: "too_small" | "too_big" }>, word: "least" | "most"): string {
  const { origin, inclusive } = issue;
  const limit = Number(issue.code === "too_small" ? issue.minimum : issue.maximum);
  if (origin === "string") return limit === 1 ? "must not be empty" : `must have at ${word} ${limit} characters`;
  if (origin === "array")
    return limit === 1 ? `must have at ${word} one entry` : `must have at ${word} ${limit} entries`;
  if (inclusive !== false) return `must be at ${word} ${limit}`;
  return `must be ${word === "least" ? "greater" : "less"} than ${limit}`;
}

function expectOneOf(values: readonly unknown[]): string {
  const words = values.map((value) => (typeof value === "string" ? JSON.stringify(value) : String(value)));
  return words.length === 1 ? `must be ${words[0]}` : `must be one of ${words.join(", ")}`;
}

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

/** The keys of the object schema at `path`; none if the path cannot be followed. */
function knownKeys(schema: Schema, path: readonly PropertyKey[]): string[] {
  let at: Schema | undefined = schema;
  for (const part of [...path, undefined]) {
    at = unwrap(at);
    if (!at) return [];
    const def = at._zod.def as unknown as {
      type: string;
      shape?: Record<string, Schema>;
      element?: Schema;
      valueType?: Schema;
    };
    if (part === undefined) return Object.keys(def.shape ?? {});
    at = def.shape?.[String(part)] ?? def.element ?? def.valueType;
  }
  return [];
}

function isObjectSchema(schema: Schema): boolean {
  const def = unwrap(schema)?._zod.def as { shape?: unknown } | undefined;
  return def?.shape !== undefined;
}

function unwrap(schema: Schema | undefined): Schema | undefined {
  let at = schema;
  for (;;) {
    const def = at?._zod.def as { innerType?: Schema; in?: Schema; options?: readonly Schema[] } | undefined;
    // Of a union, the branch that is an object: unknown keys are reported of none else.
    const inner = def?.innerType ?? def?.in ?? def?.options?.find(isObjectSchema);
    if (!inner) return at;
    at = inner;
  }
}
