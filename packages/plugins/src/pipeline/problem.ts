import type { Json } from "@multimaster/core";

/** Where something stands in a file; both begin at 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** What is wrong at a place of a pipeline file, and what would be right. */
export interface PipelineProblem extends Place {
  readonly message: string;
}

/** A YAML or JSON text as plain data, and where each of its values stands. */
export interface PipelineDocument {
  readonly value: Json;
  /** Where the value at this path stands, or its key, or what is nearest above it. */
  placeOf(path: readonly PropertyKey[], what?: "key" | "value"): Place;
}

/** What was read. Problems of single values leave the others to be checked; without a document, nothing can be. */
export type ReadDocument =
  | { readonly document: PipelineDocument; readonly problems: readonly PipelineProblem[] }
  | { readonly document?: never; readonly problems: readonly PipelineProblem[] };

/** Problems that are reported of one file; more of them are no help. */
export const mostProblems = 50;

/** "ci.yaml:3:5: …", in the order of the file. */
export function formatProblems(file: string, problems: readonly PipelineProblem[]): string {
  const ordered = problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
  const shown = ordered.slice(0, mostProblems);
  const rest = ordered.length - shown.length;
  const lines = shown.map(({ line, column, message }) => `${file}:${line}:${column}: ${message}\n`);
  return `${lines.join("")}${rest > 0 ? `… and ${rest} more\n` : ""}`;
}
