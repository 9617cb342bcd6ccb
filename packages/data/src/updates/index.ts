import type { Lease } from "@multimaster/cluster";
import type { Clock, Logger } from "@multimaster/core";
import type { Database } from "@multimaster/database";
import type { Events } from "../events/events.ts";
import { type ApprovalUpdates, createApprovalUpdates } from "./approvals.ts";
import { type ArtifactUpdates, createArtifactUpdates } from "./artifacts.ts";
import { type AuditUpdates, createAuditUpdates } from "./audit.ts";
import { type BuilderLineUpdates, createBuilderLineUpdates } from "./builder-lines.ts";
import { type BuilderUpdates, createBuilderUpdates } from "./builders.ts";
import { type BuildRequestUpdates, createBuildRequestUpdates } from "./buildrequests.ts";
import { type BuildUpdates, createBuildUpdates } from "./builds.ts";
import { type BuildsetUpdates, createBuildsetUpdates } from "./buildsets.ts";
import { type ChangeSourceUpdates, createChangeSourceUpdates } from "./change-sources.ts";
import { type ChangeUpdates, createChangeUpdates } from "./changes.ts";
import { type CollapsingUpdates, createCollapsingUpdates } from "./collapsing.ts";
import { type CommandUpdates, createCommandUpdates } from "./commands.ts";
import { createInstanceUpdates, type InstanceUpdates } from "./instances.ts";
import { createLockUpdates, type LockUpdates } from "./locks/locks.ts";
import { createLogCompressor } from "./log-compressor.ts";
import { createLoginUpdates, type LoginUpdates } from "./logins.ts";
import { createLogUpdates, type LogUpdates } from "./logs.ts";
import { createMasterUpdates, type MasterUpdates } from "./masters.ts";
import { createNoteUpdates, type NoteUpdates } from "./notes.ts";
import { createOrderUpdates, type OrderUpdates } from "./orders.ts";
import { createReportUpdates, type ReportUpdates } from "./reports.ts";
import { createRetentionUpdates, type RetentionUpdates } from "./retention/retention.ts";
import { createSchedulerUpdates, type SchedulerUpdates } from "./schedulers.ts";
import { createStartRuleUpdates, type StartRuleUpdates } from "./start-rules.ts";
import { createStepUpdates, type StepUpdates } from "./steps.ts";
import { createTestResultUpdates, type TestResultUpdates } from "./test-results.ts";
import { createTriggerItemUpdates, type TriggerItemUpdates } from "./trigger-items.ts";
import { createTriggerUpdates, type TriggerUpdates } from "./triggers.ts";
import { createUpdateContext } from "./update-context.ts";
import { createWorkerAccountUpdates, type WorkerAccountUpdates } from "./worker-accounts.ts";
import { createWorkerUpdates, type WorkerUpdates } from "./workers.ts";

/**
 * What may be written, noun by noun. Every method commits before it publishes its events, and resolves after the commit.
 *
 * Methods marked *fenced* check this master's lease in the same transaction and throw `LeaseLost` if the master was evicted:
 * that ends everything this master does, so callers do not catch it. Losing a single claim is a result, never an exception.
 */
export interface Updates {
  readonly masters: MasterUpdates;
  readonly orders: OrderUpdates;
  readonly logins: LoginUpdates;
  readonly audit: AuditUpdates;
  readonly builders: BuilderUpdates;
  readonly workers: WorkerUpdates;
  readonly instances: InstanceUpdates;
  readonly workerAccounts: WorkerAccountUpdates;
  readonly commands: CommandUpdates;
  readonly changes: ChangeUpdates;
  readonly changeSources: ChangeSourceUpdates;
  readonly schedulers: SchedulerUpdates;
  readonly buildsets: BuildsetUpdates;
  readonly triggers: TriggerUpdates;
  readonly triggerItems: TriggerItemUpdates;
  readonly buildrequests: BuildRequestUpdates;
  readonly approvals: ApprovalUpdates;
  readonly collapsing: CollapsingUpdates;
  readonly builds: BuildUpdates;
  readonly lines: BuilderLineUpdates;
  readonly notes: NoteUpdates;
  readonly startRules: StartRuleUpdates;
  readonly steps: StepUpdates;
  readonly locks: LockUpdates;
  readonly logs: LogUpdates;
  readonly testResults: TestResultUpdates;
  readonly reports: ReportUpdates;
  readonly retention: RetentionUpdates;
  readonly artifacts: ArtifactUpdates;
  /**
   * Resolves when all background work has ended: publishing events and compressing logs. Called once
   * the roles have stopped, before the bus and the database are closed.
   */
  close(): Promise<void>;
}

export interface UpdatesOptions {
  readonly database: Database;
  readonly lease: Lease;
  readonly events: Events;
  readonly clock: Clock;
  readonly log: Logger;
}

/** All writes of one master: each writes rows under its lease, commits, then publishes. */
export function createUpdates(options: UpdatesOptions): Updates {
  const compressor = createLogCompressor(options);
  const context = createUpdateContext(options, compressor);
  return {
    masters: createMasterUpdates(context),
    orders: createOrderUpdates(context),
    logins: createLoginUpdates(context),
    audit: createAuditUpdates(context),
    builders: createBuilderUpdates(context),
    workers: createWorkerUpdates(context),
    instances: createInstanceUpdates(context),
    workerAccounts: createWorkerAccountUpdates(context),
    commands: createCommandUpdates(context),
    changes: createChangeUpdates(context),
    changeSources: createChangeSourceUpdates(context),
    schedulers: createSchedulerUpdates(context),
    buildsets: createBuildsetUpdates(context),
    triggers: createTriggerUpdates(context),
    triggerItems: createTriggerItemUpdates(context),
    buildrequests: createBuildRequestUpdates(context),
    approvals: createApprovalUpdates(context),
    collapsing: createCollapsingUpdates(context),
    builds: createBuildUpdates(context),
    lines: createBuilderLineUpdates(context),
    notes: createNoteUpdates(context),
    startRules: createStartRuleUpdates(context),
    steps: createStepUpdates(context),
    locks: createLockUpdates(context),
    logs: createLogUpdates(context, compressor),
    testResults: createTestResultUpdates(context),
    reports: createReportUpdates(context),
    retention: createRetentionUpdates(context),
    artifacts: createArtifactUpdates(context),
    async close() {
      await compressor.close();
      await context.allPublished();
    },
  };
}
