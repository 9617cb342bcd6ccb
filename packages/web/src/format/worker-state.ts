import type { Worker } from "@multimaster/data";

export type WorkerState = "attached" | "paused" | "quarantined" | "leaving" | "away" | "missing" | "unused";

/** One word for the state of a worker; what a user requested comes before what the worker does. */
export function workerState(worker: Worker): WorkerState {
  const { connected_to, configured_on, paused, graceful, quarantined_at, missing_since } = worker;
  // It was renamed, or removed from the config.
  if (connected_to.length === 0 && configured_on.length === 0) return "unused";
  // `typeof`: a ui master of an earlier release does not send the field.
  if (connected_to.length === 0) return typeof missing_since === "number" ? "missing" : "away";
  if (paused && typeof quarantined_at === "number") return "quarantined";
  return paused ? "paused" : graceful ? "leaving" : "attached";
}
