import type { NewTestResult, NewTestResultSet } from "@multimaster/database";

export type { NewTestResult, NewTestResultSet };

/** What a step reports of tests: a set of results, added piece by piece, then complete. All fenced. */
export interface TestResultUpdates {
  /**
   * Adds an empty set to a step of a build that runs here. Called again before anything was added to it, because the
   * answer was lost, it gives the same one.
   */
  add(set: NewTestResultSet): Promise<{ setid: number }>;
  /**
   * Adds results to a set that has `first` of them. The caller is its only writer and counts; a repeated call after a
   * lost answer adds nothing.
   */
  append(setid: number, first: number, results: readonly NewTestResult[]): Promise<void>;
  complete(setid: number, counts: { passed: number; failed: number }): Promise<void>;
}
