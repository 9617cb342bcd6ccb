import { silentLog } from "@multimaster/core";
import { auditDatabase } from "@multimaster/data";
import { openDatabase } from "@multimaster/database";
import type { TestCluster } from "./cluster.ts";

import { type BuildOutcome, findLedgerViolations, readLedger } from "./ledger.ts";

/** What is checked of a cluster. */
type CheckedCluster = Pick<TestCluster, "database" | "ledger" | "rows">;

/** What must hold besides when a cluster has nothing to do. */
const idleChecks: readonly [sentence: string, sql: string][] = [
  ["a request is not complete", "select id from buildrequests where complete <> 1"],
  ["a buildset is not complete", "select id from buildsets where complete <> 1"],
  ["a build still runs", "select id from builds where complete_at is null"],
  ["a step still runs", "select id from steps where complete_at is null"],
  ["a log is open", "select id from logs where complete <> 1"],
  [
    "a builder's build numbers do not begin with 1",
    "select builderid as id from builds group by builderid having min(number) <> 1",
  ],
];

const everyChange: readonly [sentence: string, sql: string] = [
  "a change is not in exactly one buildset of each scheduler",
  `select c.changeid as id from changes c where (
       select count(*) from buildset_sourcestamps s join buildset_properties p on p.buildsetid = s.buildsetid
         join buildsets b on b.id = s.buildsetid and b.rebuilt_buildid is null and b.parent_buildid is null
       where s.sourcestampid = c.sourcestampid and p.property_name = 'scheduler') <>
       (select count(*) from mm_scheduler_cursors where schedulerid not in (select schedulerid from mm_force_schedulers))`,
];

/**
 * Checks the final rows of a cluster that has done its work, and its ledger: what an audit finds, what only an idle
 * cluster must satisfy, and what was run otherwise than the rows say. Each finding is a sentence, none means that all is well.
 */
export async function findViolations(
  cluster: CheckedCluster,
  { schedulersTakeAllChanges = true }: { readonly schedulersTakeAllChanges?: boolean } = {},
): Promise<string[]> {
  const found = await audit(cluster);
  for (const [sentence, sql] of schedulersTakeAllChanges ? [...idleChecks, everyChange] : idleChecks) {
    const rows = await cluster.rows<{ id: number }>(sql);
    const ids = rows.slice(0, 5).map(({ id }) => id);
    if (rows.length > 0) found.push(`${sentence}: ${ids.join(", ")} (${rows.length} in all)`);
  }
  const builds = await cluster.rows<BuildOutcome & Record<string, unknown>>(
    `select b.buildrequestid as request, n.name as builder, b.number, b.results
       from builds b join builders n on n.id = b.builderid order by b.id`,
  );
  return [...found, ...findLedgerViolations(readLedger(cluster.ledger.path), builds)];
}

/** A short grace time: the cluster rests, and only its last moments may still be on their way. */
async function audit(cluster: CheckedCluster): Promise<string[]> {
  const database = await openDatabase(cluster.database, { log: silentLog });
  try {
    const { findings } = await auditDatabase(database, { graceSeconds: 5 });
    return findings.map(({ check, sentence, ids }) => `${check}: ${sentence} ${ids.join(", ")}`);
  } finally {
    await database.close();
  }
}
