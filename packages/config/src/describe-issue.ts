import { findGreatest } from "@multimaster/core";
import type { z } from "zod";

type Issue = z.core.$ZodIssue;
type Schema = z.core.$ZodType;

/** A zod issue as `path: what is wrong and what would be right`, with list indexes in brackets. */
export function describeIssue(issue: Issue, schema: Schema): string[] {
  return explainIssue(issue, schema).map(({ path, message }) =>
    path.length > 0 ? `${formatPath(path)}: ${message}` : message,
  );
}

/** `["schedulers", 2, "builders"]` as `schedulers[2].builders`. */
export function formatPath(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`))
    .join("")
    .replace(/^\./, "");
}

/** What a zod issue means to a config author; one that speaks of several keys becomes several. */
export function explainIssue(issue: Issue, schema: Schema): { path: PropertyKey[]; message: string }[] {
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    // A value of the right kind with a fault inside has the deepest path in the branch that was meant.
    const branches = issue.errors.filter((branch) => branch.length > 0);
    const deepest = branches.toSorted((a, b) => depth(b) - depth(a))[0];
    if (deepest && depth(deepest) > 0) {
      return deepest.flatMap((inner) =>
        explainIssue(inner, schema).map(({ path, message }) => ({ path: [...issue.path, ...path], message })),
      );
    }
    const messages = branches.flatMap((branch) => (branch[0] ? [plainMessage(branch[0])] : []));
    return [{ path: issue.path, message: joinExpectations(messages) }];
  }
  if (issue.code === "unrecognized_keys") {
    const known = knownKeys(schema, issue.path);
    const hint = known.length > 0 ? ` (have: ${known.join(", ")})` : "";
    return issue.keys.map((key) => ({ path: [...issue.path, key], message: `unknown option${hint}` }));
  }
  return [{ path: issue.path, message: plainMessage(issue) }];
}

function plainMessage(issue: Issue): string {
  if (issue.code === "too_small" && issue.minimum === 1 && (issue.origin === "string" || issue.origin === "array")) {
    return issue.origin === "string" ? "must not be empty" : "must have at least one entry";
  }
  if (issue.code === "invalid_key" && issue.issues[0]) return plainMessage(issue.issues[0]);
  return issue.message.replace(/^Invalid input(: )?/, "") || "is not valid";
}

/** "expected string, received number", "expected array, received number" as "expected string or array, received number". */
function joinExpectations(messages: readonly string[]): string {
  const parts = messages.map((message) => /^expected (.*), received (.*)$/.exec(message));
  const received = parts.find((part) => part)?.[2];
  if (received === undefined) return [...new Set(messages)].join(", or ");
  return `expected ${parts.flatMap((part) => part?.[1] ?? []).join(" or ")}, received ${received}`;
}

function depth(issues: readonly Issue[]): number {
  return findGreatest(issues, (issue) => issue.path.length) ?? 0;
}

/** The keys of the object schema found by following `path`, or none where the path leaves what can be followed. */
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
