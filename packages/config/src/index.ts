export { nameBuilddir } from "./builddir.ts";
export * from "./check-config.ts";
export * from "./collapsing.ts";
export type { ConfigWarning } from "./config-warning.ts";
export * from "./define-cluster.ts";
<<<<<<< HEAD
export { explainIssue } from "./describe-issue.ts";
=======
export { formatPath } from "./describe-issue.ts";
>>>>>>> flow
export * from "./env.ts";
export * from "./load-config.ts";
export * from "./locks.ts";
export * from "./networks.ts";
export * from "./plugin.ts";
export type { PortChoice } from "./port.ts";
export * from "./renderable.ts";
export type { Authorization, AuthorizationRule } from "./slices/authorization.ts";
export * from "./slices/builders.ts";
export * from "./slices/latent-workers.ts";
export * from "./slices/scheduler.ts";
export * from "./slices/ui.ts";
export * from "./slices/workers.ts";
export * from "./start-rules.ts";
export * from "./worker-passwords.ts";
export * from "./worker-tls.ts";
