export type { EngineLoad } from "@multimaster/database";
export type { Caller, Subject } from "./actions/action.ts";
export { FieldErrors } from "./actions/field-errors.ts";
export type { ActionName, ActionParameters, ActionResult } from "./actions/index.ts";
export { describeApi } from "./api/openapi/describe-api.ts";
export { NoSuchMethod, type Rest, type RestAnswer } from "./api/rest.ts";
export type { Check } from "./audit/check.ts";
export { auditChecks, auditThemes } from "./audit/checks/index.ts";
export * from "./audit/run-audit.ts";
export type { Data, DataOptions } from "./data.ts";
export { createData } from "./data.ts";
export type { ControlMessage, Events, ForeignControlMessage, ResourceEvent } from "./events/events.ts";
export { createEvents } from "./events/events.ts";
export type { LiveEvent, LiveEvents, Watch } from "./events/live/live-events.ts";
export { isLivePath, liveTopics } from "./events/live/live-topics.ts";
export * from "./model/actor.ts";
export { controlMessages } from "./model/control-messages.ts";
export type { AnyResource, Field, Item, RawAnswer, Resource } from "./model/define-resource.ts";
export type { Filter, Found, Operator, Query } from "./model/query.ts";
export { equals } from "./model/query.ts";
export type { Amounts, RetentionReport } from "./model/retention-report.ts";
export { schedulerProblemKey } from "./model/scheduler-problem.ts";
export { sortedJson } from "./model/sorted-json.ts";
export { readAccountOptions, sentAccountOptions, type WorkerAccountOptions } from "./model/worker-account-options.ts";
export { findItems } from "./read/read-items.ts";
export { readReportedBuilds } from "./reports/read-builds.ts";
export { readBuildDetails, readChanges, readLogTail } from "./reports/read-details.ts";
export * from "./reports/reported.ts";
export * from "./resources/index.ts";
export { literalsOfPath } from "./resources/literals-of-path.ts";
export { type EventNameOf, type ItemOf, type NounName, type ResourceOf, resources } from "./resources/registry.ts";
export type { AddedBuildset, NewBuildset, NewSourceStamp } from "./updates/add-buildset.ts";
export type { ApprovalUpdates, Deciding, WantedApproval } from "./updates/approvals.ts";
export type { ArtifactRow, ArtifactUpdates, NewArtifact } from "./updates/artifacts.ts";
export type { AskedBuilds } from "./updates/asked-triggers.ts";
export type { AuditUpdates } from "./updates/audit.ts";
export type { BuilderLineUpdates } from "./updates/builder-lines.ts";
export type { BuilderConfiguration, BuilderUpdates } from "./updates/builders.ts";
export type { BuildRequestUpdates, PendingRequest, RequestRank } from "./updates/buildrequests.ts";
export type {
  AdoptedBuild,
  BuildEnd,
  BuildUpdates,
  CreatedBuild,
  RetryByRule,
  StopRequest,
  WorkerVerdict,
} from "./updates/builds.ts";
export type { BuildsetUpdates } from "./updates/buildsets.ts";
export { problemKey, readProblems } from "./updates/change-source-problems.ts";
export type { ChangeSourceUpdates } from "./updates/change-sources.ts";
export type { ChangeUpdates } from "./updates/changes.ts";
export type { CollapsingUpdates } from "./updates/collapsing.ts";
export type { CommandUpdates, RecordedCommand, ResumeNote } from "./updates/commands.ts";
export { createMuteService } from "./updates/end-mutes.ts";
export { createEvictionService, type EvictionOptions, type EvictionService } from "./updates/evict-dead-masters.ts";
export { createUpdates, type Updates, type UpdatesOptions } from "./updates/index.ts";
export {
  hashInstanceSecret,
  type InstanceRow,
  type InstanceUpdates,
  type LatentConfiguration,
  type LatentRow,
  type ReservedInstance,
} from "./updates/instances.ts";
export type { LockUpdates, RequestAnswer } from "./updates/locks/locks.ts";
export type { LockAnswer, LockUse, TakenLock } from "./updates/locks/take-locks.ts";
export type { ApiToken, LoginUpdates, Session, TokenScope } from "./updates/logins.ts";
export type { LogTime, LogType, LogUpdates } from "./updates/logs.ts";
export type { Lost } from "./updates/lost.ts";
export type { MasterUpdates } from "./updates/masters.ts";
export type { NewChange } from "./updates/new-change.ts";
export type { NoteUpdates } from "./updates/notes.ts";
export type { StateKey } from "./updates/object-state.ts";
export type { DrainedWork } from "./updates/orders.ts";
export { publishOutcomes } from "./updates/publish-outcomes.ts";
export type { PublishedScheduler } from "./updates/published-scheduler.ts";
export { createBuildHistoryService } from "./updates/read-build-history.ts";
export type {
  Attempt,
  DueReport,
  HandedEvent,
  LateAnswer,
  NewReport,
  OwedEvent,
  ReportEnd,
  ReporterRow,
  ReportUpdates,
  TargetState,
  UnaskedReport,
} from "./updates/reports.ts";
export type { RequestDetails } from "./updates/request-details.ts";
export { dryRunRetention } from "./updates/retention/dry-run.ts";
export type { RetentionUpdates } from "./updates/retention/retention.ts";
export type { RetentionPlan, RetentionRule } from "./updates/retention/rules.ts";
export type { RetentionRun, RunEnd } from "./updates/retention/run-retention.ts";
export { SettledParts } from "./updates/retention/settled-parts.ts";
export type { SlotDecision, UpstreamBuildset } from "./updates/scheduler-slots.ts";
export type { ClassifiedChange, SchedulerUpdates, WaitingChange } from "./updates/schedulers.ts";
export type { StartRefusal, StartRuleUpdates } from "./updates/start-rules.ts";
export type { StepAddition, StepUpdates } from "./updates/steps.ts";
export type { FailedSibling, OpenSource, RequestOfChange, RequestPage, SourceLine } from "./updates/superseding.ts";
export type { NewTestResult, NewTestResultSet, TestResultUpdates } from "./updates/test-results.ts";
export type { NewTriggerItem, TriggerItemChange } from "./updates/trigger-items.ts";
export * from "./updates/triggers.ts";
export { type AcceptedWorker, addWorkerAccount, endWorkerAccount } from "./updates/worker-accounts.ts";
export type { Departure, WorkerInfo, WorkerRule, WorkerState, WorkerTerms, WorkerUpdates } from "./updates/workers.ts";
export { explainBuilders, explainRequests } from "./waiting/explain-waiting.ts";
export type { Reason, ReasonKind } from "./waiting/reasons.ts";
