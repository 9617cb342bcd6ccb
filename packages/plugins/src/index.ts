export * from "./define-change-source.ts";
export * from "./define-hook.ts";
export * from "./define-scheduler.ts";
export * from "./define-step.ts";
export * from "./running.ts";
export * from "./step-context.ts";
export * from "./step-errors.ts";
export * from "./step-options.ts";
