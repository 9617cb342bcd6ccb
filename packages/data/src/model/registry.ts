import { auditEntries } from "../resources/audit-entries.ts";
import { branches } from "../resources/branches.ts";
import { buildData } from "../resources/build-data.ts";
import { builders } from "../resources/builders.ts";
import { buildrequests } from "../resources/buildrequests.ts";
import { builds } from "../resources/builds.ts";
import { buildsets } from "../resources/buildsets.ts";
import { changes } from "../resources/changes.ts";
import { changesources } from "../resources/changesources.ts";
import { cluster } from "../resources/cluster/cluster.ts";
import { codebases } from "../resources/codebases.ts";
import { commitGraphs } from "../resources/commit-graphs.ts";
import { commits } from "../resources/commits.ts";
import { createDescriptions } from "../resources/descriptions.ts";
import { forceschedulers } from "../resources/forceschedulers.ts";
import { logchunks } from "../resources/logchunks.ts";
import { logs } from "../resources/logs.ts";
import { masters } from "../resources/masters.ts";
import { members } from "../resources/members.ts";
import { orders } from "../resources/orders.ts";
import { projects } from "../resources/projects.ts";
import { properties } from "../resources/properties.ts";
import { propertyList } from "../resources/property-list.ts";
import { schedulers } from "../resources/schedulers.ts";
import { schedules } from "../resources/schedules.ts";
import { sourcestamps } from "../resources/sourcestamps.ts";
import { stalls } from "../resources/stalls.ts";
import { steps } from "../resources/steps.ts";
import { testResultSets } from "../resources/test-result-sets.ts";
import { testResults } from "../resources/test-results.ts";
import { flakyTests } from "../resources/tests/flaky-tests.ts";
import { testRuns } from "../resources/tests/test-runs.ts";
import { tests } from "../resources/tests/tests.ts";
import { waiting, waitingBuilders } from "../resources/waiting.ts";
import { waitingChanges } from "../resources/waiting-changes.ts";
import { workers } from "../resources/workers.ts";
import type { AnyResource } from "./define-resource.ts";

const nouns: readonly AnyResource[] = [
  builders,
  builds,
  buildrequests,
  codebases,
  workers,
  logchunks,
  buildsets,
  changes,
  changesources,
  masters,
  orders,
  cluster,
  members,
  stalls,
  sourcestamps,
  schedulers,
  schedules,
  forceschedulers,
  projects,
  steps,
  logs,
  properties,
  propertyList,
  branches,
  commits,
  commitGraphs,
  buildData,
  testResultSets,
  testResults,
  tests,
  testRuns,
  flakyTests,
  waiting,
  waitingBuilders,
  waitingChanges,
  auditEntries,
];

/** Everything the data API has paths for, its own description included. One line per noun. */
export const resources: readonly AnyResource[] = [...nouns, ...createDescriptions(nouns)];
