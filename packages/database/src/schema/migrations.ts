import type { Table } from "./declare-table.ts";
import type { Migration } from "./migration.ts";
import { addedSteps } from "./migrations/added-steps.ts";
import { adoptableBuilds } from "./migrations/adoptable-builds.ts";
import { approvals } from "./migrations/approvals.ts";
import { artifacts } from "./migrations/artifacts.ts";
import { askedTriggers } from "./migrations/asked-triggers.ts";
import { auditTrail } from "./migrations/audit-trail.ts";
import { builderLines } from "./migrations/builder-lines.ts";
import { dataVersionTable } from "./migrations/data-version-table.ts";
import { drainWarnings } from "./migrations/drain-warnings.ts";
import { dueArtifacts } from "./migrations/due-artifacts.ts";
import { instanceDestroys } from "./migrations/instance-destroys.ts";
import { instanceNumbers } from "./migrations/instance-numbers.ts";
import { instanceWords } from "./migrations/instance-words.ts";
import { leaseInstance } from "./migrations/lease-instance.ts";
import { linesOfSource } from "./migrations/lines-of-source.ts";
import { locks } from "./migrations/locks.ts";
import { logTimes } from "./migrations/log-times.ts";
import { logins } from "./migrations/logins.ts";
import { longHistories } from "./migrations/long-histories.ts";
import { loopStalls } from "./migrations/loop-stalls.ts";
import { newestOpenRequests } from "./migrations/newest-open-requests.ts";
import { notes } from "./migrations/notes.ts";
import { offers } from "./migrations/offers.ts";
import { openLists } from "./migrations/open-lists.ts";
import { orders } from "./migrations/orders.ts";
import { outbox } from "./migrations/outbox.ts";
import { pollRequests } from "./migrations/poll-requests.ts";
import { publishedSchedulersTable } from "./migrations/published-schedulers.ts";
import { reconfigs } from "./migrations/reconfigs.ts";
import { repeatedStops } from "./migrations/repeated-stops.ts";
import { reportEventsTables } from "./migrations/report-events.ts";
import { reporterMarks } from "./migrations/reporter-marks.ts";
import { reporters } from "./migrations/reporters.ts";
import { reportsByContext } from "./migrations/reports-by-context.ts";
import { requestEnds } from "./migrations/request-ends.ts";
import { requestLosses } from "./migrations/request-losses.ts";
import { patchIndex, retention } from "./migrations/retention.ts";
import { schedulerSlots } from "./migrations/scheduler-slots.ts";
import { serviceFailures } from "./migrations/service-failures.ts";
import { sessionChecks } from "./migrations/session-checks.ts";
import { slotsByBuildset } from "./migrations/slots-by-buildset.ts";
import { startRules } from "./migrations/start-rules.ts";
import { longTests, testIndexes } from "./migrations/test-results.ts";
import { treeLimits } from "./migrations/tree-limits.ts";
import { triggerItems } from "./migrations/trigger-items.ts";
import { triggers } from "./migrations/triggers.ts";
import { trySchedulersTable } from "./migrations/try-schedulers.ts";
import { unsentReports } from "./migrations/unsent-reports.ts";
import { upgradeRuns } from "./migrations/upgrade-runs.ts";
import { workerAccountOptions } from "./migrations/worker-account-options.ts";
import { workerAccounts } from "./migrations/worker-accounts.ts";
import { workerInstances } from "./migrations/worker-instances.ts";
import { workerLives } from "./migrations/worker-lives.ts";
import { workerLossLimits } from "./migrations/worker-loss-limits.ts";
import { workerSets } from "./migrations/worker-sets.ts";
import { writeProbes } from "./migrations/write-probes.ts";
import { extraIndexes, firstTables, openRequests } from "./own.ts";

/** All of our own schema, in the order in which it came: a migration is a line here and, mostly, a file in migrations/. */
export const migrations: readonly Migration[] = [
  { name: "tables of our own", kind: "expand", tables: firstTables },
  { name: "indexes for long lists, claims and burials", kind: "expand", indexes: extraIndexes },
  dataVersionTable,
  orders,
  triggers,
  loopStalls,
  leaseInstance,
  pollRequests,
  offers,
  { name: "index for requests that wait", kind: "expand", indexes: [openRequests] },
  logins,
  longHistories,
  longTests,
  testIndexes,
  requestLosses,
  workerSets,
  treeLimits,
  auditTrail,
  sessionChecks,
  writeProbes,
  drainWarnings,
  upgradeRuns,
  workerLossLimits,
  outbox,
  serviceFailures,
  publishedSchedulersTable,
  openLists,
  workerLives,
  workerAccounts,
  workerInstances,
  schedulerSlots,
  locks,
  adoptableBuilds,
  instanceDestroys,
  requestEnds,
  startRules,
  trySchedulersTable,
  askedTriggers,
  workerAccountOptions,
  approvals,
  addedSteps,
  instanceNumbers,
  newestOpenRequests,
  retention,
  patchIndex,
  artifacts,
  reporters,
  reportsByContext,
  triggerItems,
  builderLines,
  reportEventsTables,
  dueArtifacts,
  reconfigs,
  instanceWords,
  repeatedStops,
  reporterMarks,
  notes,
  logTimes,
  linesOfSource,
  slotsByBuildset,
  unsentReports,
];

/** The tables that migrations made. */
export const ownTables: readonly Table[] = migrations.flatMap((migration) =>
  migration.kind === "expand" ? (migration.tables ?? []) : [],
);
