import {
  type Connection,
  deleteAuditRows,
  deleteBuilds,
  deleteChanges,
  deleteLogChunks,
  deleteRequests,
  deleteStamps,
  deleteTestResults,
  lockUnneededBuilds,
  logsWithText,
  markLogsDeleted,
  testSetsOfBuilds,
} from "@multimaster/database";
import type { Amounts } from "../../model/retention-report.ts";
import type { Pace } from "./pace.ts";

/** One short transaction of retention: fenced by the lease, and by the claim of the job. */
export type WriteBatch = <T>(write: (tx: Connection) => Promise<T>) => Promise<T>;

/** Called with what a transaction deleted, once it is committed. */
export type Count = (some: Partial<Amounts>) => void;

/** Pieces of logs, and results of tests, that one transaction deletes at most: about 12 MB of text. */
const chunksAtOnce = 200;
const resultsAtOnce = 1000;

/** What a rule does to what it takes: it deletes it, or, in a dry run, only counts it. */
export interface Deletions {
  builds(ids: readonly number[], count: Count): Promise<void>;
  requests(ids: readonly number[], count: Count): Promise<void>;
  logs(buildids: readonly number[], count: Count): Promise<void>;
  testResults(buildids: readonly number[], count: Count): Promise<void>;
  changes(ids: readonly number[], schedulers: readonly string[], count: Count): Promise<void>;
  stamps(ids: readonly number[], count: Count): Promise<void>;
  auditRows(ids: readonly number[], count: Count): Promise<void>;
}

/** Deletes, each call in transactions of bounded size. `reading` is for reads beside them. */
export function realDeletions(reading: Connection, write: WriteBatch, pace: Pace): Deletions {
  async function deleteLogs(buildids: readonly number[], count: Count): Promise<void> {
    // First the mark, so that no one reads half of a text: pages say that it is deleted.
    await write(async (tx) => {
      const unneeded = await lockUnneededBuilds(tx, buildids);
      if (unneeded.length > 0)
        await markLogsDeleted(
          tx,
          unneeded.map(({ id }) => id),
        );
    });
    const logids = (await logsWithText(reading, buildids)).map(({ logid }) => logid);
    if (logids.length === 0) return;
    const begun = new Set<number>();
    for (;;) {
      const most = pace.of(chunksAtOnce);
      const pieces = await write((tx) => deleteLogChunks(tx, logids, most));
      const logs = pieces.filter(({ logid }) => !begun.has(logid) && begun.add(logid));
      count({
        logs: new Set(logs.map(({ logid }) => logid)).size,
        bytes: pieces.reduce((sum, { bytes }) => sum + bytes, 0),
      });
      if (pieces.length < most) return;
    }
  }

  async function deleteTests(buildids: readonly number[], count: Count): Promise<void> {
    const unneeded = await write((tx) => lockUnneededBuilds(tx, buildids));
    const sets = await testSetsOfBuilds(
      reading,
      unneeded.map(({ id }) => id),
    );
    for (const { id } of sets) {
      for (;;) {
        const most = pace.of(resultsAtOnce);
        const deleted = await write((tx) => deleteTestResults(tx, id, most));
        count({ test_results: deleted });
        if (deleted < most) break;
      }
    }
  }

  return {
    logs: deleteLogs,
    testResults: deleteTests,
    async builds(ids, count) {
      // What may be large goes first and in parts; the rest of a build is bounded.
      await deleteLogs(ids, count);
      await deleteTests(ids, count);
      count(await write(async (tx) => deleteBuilds(tx, await lockUnneededBuilds(tx, ids))));
    },
    async requests(ids, count) {
      const { requests } = await write((tx) => deleteRequests(tx, ids));
      count({ requests });
    },
    async changes(ids, schedulers, count) {
      count({ changes: await write((tx) => deleteChanges(tx, schedulers, ids)) });
    },
    async stamps(ids, count) {
      count({ source_stamps: await write((tx) => deleteStamps(tx, ids)) });
    },
    async auditRows(ids, count) {
      count({ audit_entries: await write((tx) => deleteAuditRows(tx, ids)) });
    },
  };
}

/** Counts what the same calls would delete. */
export function countedDeletions(reading: Connection): Deletions {
  async function logs(buildids: readonly number[], count: Count): Promise<void> {
    const found = await logsWithText(reading, buildids);
    count({ logs: found.length, bytes: found.reduce((sum, { bytes }) => sum + Number(bytes), 0) });
  }
  async function testResults(buildids: readonly number[], count: Count): Promise<void> {
    const sets = await testSetsOfBuilds(reading, buildids);
    count({ test_results: sets.reduce((sum, { results }) => sum + Number(results), 0) });
  }
  return {
    logs,
    testResults,
    async builds(ids, count) {
      await logs(ids, count);
      await testResults(ids, count);
      count({ builds: ids.length });
    },
    requests: async (ids, count) => count({ requests: ids.length }),
    changes: async (ids, _schedulers, count) => count({ changes: ids.length }),
    stamps: async (ids, count) => count({ source_stamps: ids.length }),
    auditRows: async (ids, count) => count({ audit_entries: ids.length }),
  };
}
