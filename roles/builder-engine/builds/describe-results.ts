import { type Result, Results } from "@multimaster/core";

/** A build's result in a word or two. */
const words: Record<Result, string> = {
  [Results.SUCCESS]: "build successful",
  [Results.WARNINGS]: "warnings",
  [Results.FAILURE]: "failed",
  [Results.SKIPPED]: "skipped",
  [Results.EXCEPTION]: "exception",
  [Results.RETRY]: "retry",
  [Results.CANCELLED]: "cancelled",
};

/** "build successful", or what went wrong: "failed 'make test' (failure)". */
export function describeResults(results: Result, texts: readonly string[]): string {
  return [words[results], ...(results === Results.SUCCESS ? [] : texts)].join(" ");
}

/** "cancelled (not needed) 'make test'": why a build was stopped, unless a step says it, and what its steps said. */
export function describeStop(results: Result, reason: string, texts: readonly string[]): string {
  const isSaid = texts.some((text) => text.includes(reason));
  const what = texts.map((text) => text.replace(/ ?\(?cancelled\)?$/, "")).filter((text) => text !== "");
  return [words[results], ...(isSaid ? [] : [`(${reason})`]), ...what].join(" ");
}
