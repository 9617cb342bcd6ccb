/** What can be reported. The names are those of the outbox. */
export const reportKinds = [
  "build-started",
  "build-ended",
  "buildset-ended",
  "worker-missing",
  "worker-returned",
  "worker-paused",
  "worker-resumed",
  "worker-quarantined",
  "worker-freed",
] as const;

export type ReportKind = (typeof reportKinds)[number];
