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

/** Everything for which the engine starts no build of this builder on any worker; empty when it may. */
export function judgeBuilder({ limit, running, heldLocks, closedUntil }: BuilderView): BuilderObstacle[] {
  return [
    ...(limit !== null && running >= limit ? [{ kind: "max_builds", limit } as const] : []),
    ...(closedUntil === null ? [] : [{ kind: "outside_hours", until: closedUntil } as const]),
    ...heldLocks.map((lock) => ({ kind: "locked", lock }) as const),
  ];
}

/** Why this worker takes no build of any builder; undefined when it takes one. */
export function judgeWorker(worker: WorkerView): WorkerObstacle | undefined {
  if (worker.presence === "absent") return { kind: "worker_away" };
  if (worker.paused) return { kind: "worker_paused" };
  if (worker.quarantined && !worker.onProbation) return { kind: "worker_quarantined" };
  if (worker.leaving) return { kind: "worker_leaving" };
  if (worker.closedUntil !== undefined && worker.closedUntil !== null)
    return { kind: "worker_closed", until: worker.closedUntil };
  const slots = worker.quarantined ? 1 : worker.slots;
  return worker.builds >= slots ? { kind: "worker_full" } : undefined;
}

/**
 * Why this worker, which takes builds, takes none of this builder; undefined when it does. Without a request, it is asked
 * about any: one that was made for a request takes no other.
 */
export function judgePair(builder: BuilderView, worker: WorkerView, requestId?: number): PairObstacle | undefined {
  const { onlyRequest } = worker;
  if (onlyRequest !== undefined && onlyRequest !== requestId) return { kind: "reserved", buildrequestid: onlyRequest };
  if (worker.directories.has(builder.directory)) return { kind: "directory_in_use" };
  return judgeLoad(builder, worker) ?? builder.refuses?.(worker);
}

function judgeLoad({ builderid, weight = 1 }: BuilderView, worker: WorkerView): PairObstacle | undefined {
  const { capacity, load = 0, keptFor } = worker;
  if (capacity !== undefined && capacity !== null && load + weight > capacity)
    return { kind: "worker_loaded", weight, load, capacity };
  // What a builder without weight takes is missed by no one.
  if (keptFor === undefined || keptFor.builderid === builderid || weight === 0) return undefined;
  return { kind: "capacity_kept", keptFor };
}
