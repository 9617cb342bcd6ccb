import { findGreatest } from "@multimaster/core";
import type { z } from "zod";

type Issue = z.core.$ZodIssue;
type Schema = z.core.$ZodType;

/** Formats a zod issue as `path: what is wrong and what is expected`, with list indexes in brackets. */
export function describeIssue(issue: Issue, schema: Schema): string[] {
  return explainIssue(issue, schema).map(({ path, message }) =>
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

/** Rewords a zod issue for a config author; an issue about several keys becomes several. */
export function explainIssue(issue: Issue, schema: Schema): { path: PropertyKey[]; message: string }[] {
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    // If the value has the kind of one branch and an error inside, that branch has the deepest path.
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

/** Joins "expected string, received number", "expected array, received number" to "expected string or array, received number". */
function joinExpectations(messages: readonly string[]): string {
  const parts = messages.map((message) => /^expected (.*), received (.*)$/.exec(message));
  const received = parts.find((part) => part)?.[2];
  if (received === undefined) return [...new Set(messages)].join(", or ");
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
