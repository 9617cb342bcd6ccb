import { fencedTransaction } from "@multimaster/cluster";
import { completeTestResultSet, holdRunningBuild, insertTestResultSet, insertTestResults } from "@multimaster/database";
import type { TestResultUpdates } from "../contract/test-results.ts";
import { testResultSets } from "../resources/test-result-sets.ts";
import type { UpdateContext } from "./update-context.ts";

export function createTestResultUpdates({ database, lease, events, announce }: UpdateContext): TestResultUpdates {
  return {
    async add(set) {
      const setid = await fencedTransaction(database, lease, async (tx) => {
        if (!(await holdRunningBuild(tx, set.buildid, lease.masterid)))
          throw new Error(`build ${set.buildid} does not run on this master`);
        return insertTestResultSet(tx, set);
      });
      await announce(events.of(testResultSets).new([setid]));
      return { setid };
    },
    async append(setid, first, results) {
      if (results.length === 0) return;
      await fencedTransaction(database, lease, (tx) => insertTestResults(tx, setid, first, results));
    },
    async complete(setid, counts) {
      if (await fencedTransaction(database, lease, (tx) => completeTestResultSet(tx, setid, counts)))
        await announce(events.of(testResultSets).completed([setid]));
    },
  };
}
