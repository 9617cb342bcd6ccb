export { runWorkerCommand } from "./cli.ts";
export * from "./local-worker.ts";
export * from "./worker.ts";
