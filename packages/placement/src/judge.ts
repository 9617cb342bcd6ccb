import type {
  BuilderObstacle,
  BuilderView,
  EngineObstacle,
  EngineView,
  PairObstacle,
  WorkerObstacle,
  WorkerView,
} from "./world.ts";

/** Why this engine starts nothing; undefined when it does. */
export function judgeEngine({ alive, draining }: EngineView): EngineObstacle | undefined {
  if (!alive) return { kind: "engine_lost" };
  return draining ? { kind: "engine_draining" } : undefined;
}

/** Why the engine starts no build of this builder on any worker; undefined when it may. */
export function judgeBuilder({ limit, running, heldLocks, closedUntil }: BuilderView): BuilderObstacle | undefined {
  if (limit !== null && running >= limit) return { kind: "max_builds", limit };
  if (closedUntil !== null) return { kind: "outside_hours", until: closedUntil };
  const [lock] = heldLocks;
  return lock && { kind: "locked", lock };
}

/** Why this worker takes no build of any builder; undefined when it takes one. */
export function judgeWorker(worker: WorkerView): WorkerObstacle | undefined {
  if (worker.presence === "absent") return { kind: "worker_away" };
  if (worker.paused) return { kind: "worker_paused" };
  if (worker.quarantined) return { kind: "worker_quarantined" };
  if (worker.leaving) return { kind: "worker_leaving" };
  return worker.builds >= worker.slots ? { kind: "worker_full" } : undefined;
}

/** Why this worker, which takes builds, takes none of this builder; undefined when it does. */
export function judgePair(builder: BuilderView, worker: WorkerView): PairObstacle | undefined {
  if (worker.directories.has(builder.directory)) return { kind: "directory_in_use" };
  return builder.refuses?.(worker);
}
