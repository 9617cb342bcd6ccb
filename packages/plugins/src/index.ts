export * from "./define-step.ts";
export * from "./step-context.ts";
export * from "./step-errors.ts";
export * from "./step-options.ts";
