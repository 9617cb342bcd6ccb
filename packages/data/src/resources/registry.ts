import type { AnyResource, Item } from "../model/define-resource.ts";
import type { EventName } from "../model/event-names.ts";
import { approvals } from "./approvals.ts";
import { artifacts } from "./artifacts.ts";
import { auditEntries } from "./audit-entries.ts";
import { branchBuilders } from "./branch-state/branch-builders.ts";
import { branches } from "./branches.ts";
import { buildData } from "./build-data.ts";
import { builders } from "./builders.ts";
import { buildrequests } from "./buildrequests.ts";
import { builds } from "./builds.ts";
import { buildsets } from "./buildsets.ts";
import { changes } from "./changes.ts";
import { changesources } from "./changesources.ts";
import { cluster } from "./cluster/cluster.ts";
import { standing } from "./cluster/standing.ts";
import { codebases } from "./codebases.ts";
import { commitGraphs } from "./commit-graphs.ts";
import { commits } from "./commits.ts";
import { createDescriptions } from "./descriptions.ts";
import { builderLines } from "./failing/builder-lines.ts";
import { comparisons } from "./failing/comparisons.ts";
import { failing } from "./failing/failing.ts";
import { forceschedulers } from "./forceschedulers.ts";
import { latentWorkers, workerInstances } from "./latent-workers.ts";
import { lockHolds, locks, lockWaits } from "./locks.ts";
import { logTimes } from "./log-times.ts";
import { logchunks } from "./logchunks.ts";
import { logs } from "./logs.ts";
import { masters } from "./masters.ts";
import { members } from "./members.ts";
import { notes } from "./notes.ts";
import { orders } from "./orders.ts";
import { projects } from "./projects.ts";
import { properties } from "./properties.ts";
import { propertyList } from "./property-list.ts";
import { reporters, reports } from "./reporters.ts";
import { requestEnds } from "./request-ends.ts";
import { retentionRuns } from "./retention-runs.ts";
import { schedulers } from "./schedulers.ts";
import { schedules } from "./schedules.ts";
import { sourcestamps } from "./sourcestamps.ts";
import { stalls } from "./stalls.ts";
import { steps } from "./steps.ts";
import { testResultSets } from "./test-result-sets.ts";
import { testResults } from "./test-results.ts";
import { flakyTests } from "./tests/flaky-tests.ts";
import { testRuns } from "./tests/test-runs.ts";
import { tests } from "./tests/tests.ts";
import { triggerItemCounts, triggerItems } from "./trigger-items.ts";
import { tryschedulers } from "./tryschedulers.ts";
import { waiting, waitingBuilders } from "./waiting.ts";
import { waitingChanges } from "./waiting-changes.ts";
import { workerAbsences } from "./worker-absences.ts";
import { workerAccounts } from "./worker-accounts.ts";
import { workers } from "./workers.ts";

const nouns = [
  builders,
  builds,
  buildrequests,
  codebases,
  workers,
  latentWorkers,
  workerInstances,
  locks,
  lockHolds,
  lockWaits,
  logchunks,
  buildsets,
  changes,
  changesources,
  masters,
  orders,
  cluster,
  standing,
  members,
  stalls,
  sourcestamps,
  schedulers,
  schedules,
  forceschedulers,
  tryschedulers,
  projects,
  steps,
  logs,
  logTimes,
  properties,
  propertyList,
  branches,
  commits,
  commitGraphs,
  buildData,
  artifacts,
  triggerItems,
  triggerItemCounts,
  testResultSets,
  testResults,
  tests,
  testRuns,
  flakyTests,
  failing,
  builderLines,
  branchBuilders,
  notes,
  comparisons,
  requestEnds,
  approvals,
  waiting,
  waitingBuilders,
  waitingChanges,
  auditEntries,
  retentionRuns,
  workerAbsences,
  workerAccounts,
  reporters,
  reports,
] as const satisfies readonly AnyResource[];

type Noun = (typeof nouns)[number];

/** What REST, rules and topics call a noun. */
export type NounName = Noun["plural"];

/** The resource of a noun. */
export type ResourceOf<N extends NounName> = Extract<Noun, { plural: N }>;

/** The object that REST answers for a noun. */
export type ItemOf<N extends NounName> = Item<ResourceOf<N>>;

/** The events of a noun. */
export type EventNameOf<N extends NounName> = EventName<ResourceOf<N>>;

/** The topics of a noun's events, as they are declared: without the event's name, variables as `:field`. */
export type TopicPatternOf<N extends NounName> = NonNullable<ResourceOf<N>["events"]>["topics"][number];

/** The paths at which the API answers a noun, as they are declared. */
export type PatternOf<N extends NounName> = ResourceOf<N>["paths"][number]["pattern"];

/** Everything the data API has paths for, its own description included. One line per noun. */
export const resources: readonly AnyResource[] = [...nouns, ...createDescriptions(nouns)];
