import type { Worker } from "@multimaster/data";

export type WorkerState = "attached" | "paused" | "leaving" | "away" | "unused";

/** One word for the state of a worker; what a user requested comes before what the worker does. */
export function workerState({ connected_to, configured_on, paused, graceful }: Worker): WorkerState {
  // It was renamed, or removed from the config.
  if (connected_to.length === 0) return configured_on.length === 0 ? "unused" : "away";
  return paused ? "paused" : graceful ? "leaving" : "attached";
}
