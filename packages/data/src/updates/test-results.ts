import { fencedTransaction } from "@multimaster/cluster";
import {
  completeTestResultSet,
  holdRunningBuild,
  insertTestResultSet,
  insertTestResults,
  type NewTestResult,
  type NewTestResultSet,
} from "@multimaster/database";
import { testResultSets } from "../resources/test-result-sets.ts";
import type { UpdateContext } from "./update-context.ts";

export type { NewTestResult, NewTestResultSet };

/** What a step reports of tests: a set of results, added piece by piece, then complete. All fenced. */
export interface TestResultUpdates {
  /**
   * Adds an empty set to a step of a build that runs here. Called again before anything was added to it, because the
   * answer was lost, it returns the same one.
   */
  add(set: NewTestResultSet): Promise<{ setid: number }>;
  /**
   * Adds results to a set that has `first` of them. The caller is its only writer and counts; a repeated call after a
   * lost answer adds nothing.
   */
  append(setid: number, first: number, results: readonly NewTestResult[]): Promise<void>;
  complete(setid: number, counts: { passed: number; failed: number }): Promise<void>;
}

export function createTestResultUpdates({ database, lease, events, track }: UpdateContext): TestResultUpdates {
  return {
    async add(set) {
      const setid = await fencedTransaction(database, lease, async (tx) => {
        if (!(await holdRunningBuild(tx, set.buildid, lease.masterid)))
          throw new Error(`build ${set.buildid} does not run on this master`);
        return insertTestResultSet(tx, set);
      });
      await track(events.of(testResultSets).new([setid]));
      return { setid };
    },
    async append(setid, first, results) {
      if (results.length === 0) return;
      await fencedTransaction(database, lease, (tx) => insertTestResults(tx, setid, first, results));
    },
    async complete(setid, counts) {
      if (await fencedTransaction(database, lease, (tx) => completeTestResultSet(tx, setid, counts)))
        await track(events.of(testResultSets).completed([setid]));
    },
  };
}
