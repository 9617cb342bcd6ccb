/** What can be reported, each with what it means and who reacts. The names are those of the outbox: at most 20 characters. */
export const reportEvents = {
  "buildset-started": "A scheduler, a user or a build asked for builds. Only reporters that name it react.",
  "request-waiting":
    "The oldest build request of a builder waits for longer than `waitingAfter`; again once none of the builder's has waited so long. Operators find out why nothing begins.",
  "build-started": "An engine began a build. Statuses of forges show it as pending.",
  "step-started":
    "A step whose name fits `steps` began, of the first 200 of its build. Only reporters that name it react.",
  "step-ended":
    "A step whose name fits `steps` ended, of the first 200 of its build. Only reporters that name it react.",
  "build-ended": "A build ended, also one that is run again. Every reporter of builds reacts.",
  "buildset-ended": "All builds that were asked for together have ended. Only reporters that name it react.",
  "worker-missing": "A worker is away for longer than its `missingTimeout`. Mail goes to the worker's owners.",
  "worker-returned": "A worker that was missing is attached again.",
  "worker-paused": "A user paused a worker.",
  "worker-resumed": "A user resumed a worker that was paused or in quarantine.",
  "worker-quarantined": "A worker failed too often, and gets no builds for a while.",
  "worker-freed": "A worker in quarantine built well, and is used again.",
  "master-evicted": "A master died: its builds run again, or go on elsewhere. Operators look at the machine.",
  "config-changed": "A master started with another config than the masters before it. Operators see what changed when.",
  "upgrade-done": "The last master of another release is gone: all masters run one release.",
} as const satisfies Readonly<Record<string, string>>;

export type ReportKind = keyof typeof reportEvents;

export const reportKinds = Object.keys(reportEvents) as [ReportKind, ...ReportKind[]];
