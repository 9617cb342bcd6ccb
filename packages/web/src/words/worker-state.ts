import type { Worker } from "@multimaster/data";

export type WorkerState = "attached" | "paused" | "leaving" | "away";

/** One word for how a worker stands; what people asked of it comes before what it is. */
export function workerState({ connected_to, paused, graceful }: Worker): WorkerState {
  if (connected_to.length === 0) return "away";
  return paused ? "paused" : graceful ? "leaving" : "attached";
}
