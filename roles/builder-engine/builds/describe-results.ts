import { type Result, Results } from "@multimaster/core";

/** A build's result in a word or two. */
export const words: Record<Result, string> = {
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
