import { judgeBuilder, judgePair, judgeWorker } from "./judge.ts";
import type { BuilderObstacle, BuilderView, PairObstacle, WorkerObstacle, WorkerView } from "./world.ts";

/** Where a build of a builder starts on an engine, or why it does not. */
export type Placement<W extends WorkerView> =
  | { readonly kind: "placed"; readonly worker: W }
  | { readonly kind: "builder_waits"; readonly obstacles: readonly BuilderObstacle[] }
  | { readonly kind: "no_worker_takes_it"; obstacles(): WorkerOutcome<W>[] };

/** Why one worker takes no build of the builder. */
export interface WorkerOutcome<W extends WorkerView> {
  readonly worker: W;
  readonly obstacle: WorkerObstacle | PairObstacle;
}

/**
 * Decides where the next build of this builder starts: on the least busy of the workers that take it, of equals the
 * first, and on one that has to be made only when none is attached. The engine's distributor asks it about the world in
 * its memory, and "why does this wait" about the world in the rows. Reasons are made only when asked for.
 */
export function place<W extends WorkerView>(
  builder: BuilderView,
  workers: Iterable<W>,
  requestId?: number,
): Placement<W> {
  const obstacles = judgeBuilder(builder);
  if (obstacles.length > 0) return { kind: "builder_waits", obstacles };
  let best: W | undefined;
  for (const worker of workers) {
    if (best !== undefined && !isBetter(worker, best)) continue;
    if (judgeWorker(worker) === undefined && judgePair(builder, worker, requestId) === undefined) best = worker;
  }
  if (best) return { kind: "placed", worker: best };
  return {
    kind: "no_worker_takes_it",
    obstacles: () =>
      Array.from(workers, (worker) => ({
        worker,
        obstacle: (judgeWorker(worker) ?? judgePair(builder, worker, requestId)) as WorkerObstacle | PairObstacle,
      })),
  };
}

/** Whether `place` finds a worker for some request: without looking for the best one. */
export function canPlace(builder: BuilderView, workers: Iterable<WorkerView>): boolean {
  if (judgeBuilder(builder).length > 0) return false;
  for (const worker of workers)
    if (judgeWorker(worker) === undefined && judgePair(builder, worker, worker.onlyRequest) === undefined) return true;
  return false;
}

function isBetter(worker: WorkerView, best: WorkerView): boolean {
  const isAttached = worker.presence === "attached";
  if (isAttached !== (best.presence === "attached")) return isAttached;
  return worker.builds < best.builds;
}
