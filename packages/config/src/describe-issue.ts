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
    const messages = branches.flatMap((branch) => (branch[0] ? [plainMessage(branch[0])] : []));
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
  if (issue.code === "too_small" && issue.minimum === 1 && (issue.origin === "string" || issue.origin === "array")) {
    return issue.origin === "string" ? "must not be empty" : "must have at least one entry";
  }
  if (issue.code === "invalid_value" && !issue.message.startsWith("must ")) return expectOneOf(issue.values);
  if (issue.code === "invalid_key" && issue.issues[0]) return plainMessage(issue.issues[0]);
  return issue.message.replace(/^Invalid input(: )?/, "") || "is not valid";
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
  return `expected ${parts.flatMap((part) => part?.[1] ?? []).join(" or ")}, received ${received}`;
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

function unwrap(schema: Schema | undefined): Schema | undefined {
  let at = schema;
  for (;;) {
    const def = at?._zod.def as { innerType?: Schema; in?: Schema } | undefined;
    const inner = def?.innerType ?? def?.in;
    if (!inner) return at;
    at = inner;
  }
}
