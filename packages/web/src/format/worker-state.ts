import type { Worker } from "@multimaster/data";

export type WorkerState = "attached" | "paused" | "leaving" | "away" | "unused";

/** One word for how a worker stands; what people asked of it comes before what it is. */
export function workerState({ connected_to, configured_on, paused, graceful }: Worker): WorkerState {
  // Renamed or taken out of the config, no one expects it any more.
  if (connected_to.length === 0) return configured_on.length === 0 ? "unused" : "away";
  return paused ? "paused" : graceful ? "leaving" : "attached";
}
