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
  const takes = (worker: W) => judgeWorker(worker) === undefined && judgePair(builder, worker, requestId) === undefined;
  const best = hasFunctions(builder) ? chooseAmong(builder, workers, takes, requestId) : findBest(workers, takes);
  if (best) return { kind: "placed", worker: best };
  return {
    kind: "no_worker_takes_it",
    obstacles: () =>
      Array.from(workers, (worker) => ({
        worker,
        obstacle: judgeWorker(worker) ??
          judgePair(builder, worker, requestId) ??
          builder.refusesRequest?.(worker, requestId) ?? { kind: "refused", why: "another one is chosen" },
      })),
  };
}

const hasFunctions = ({ choose, refusesRequest }: BuilderView) => choose !== undefined || refusesRequest !== undefined;

function findBest<W extends WorkerView>(workers: Iterable<W>, takes: (worker: W) => boolean): W | undefined {
  let best: W | undefined;
  for (const worker of workers) if ((best === undefined || isBetter(worker, best)) && takes(worker)) best = worker;
  return best;
}

/** The functions are asked about the best workers first, and only about those that nothing else speaks against. */
function chooseAmong<W extends WorkerView>(
  builder: BuilderView,
  workers: Iterable<W>,
  takes: (worker: W) => boolean,
  requestId: number | undefined,
): W | undefined {
  const rank = (a: W, b: W) => (isBetter(a, b) ? -1 : isBetter(b, a) ? 1 : 0);
  const takers = [...workers].filter(takes).sort(rank);
  const refuses = (worker: WorkerView) => builder.refusesRequest?.(worker, requestId) !== undefined;
  if (builder.choose === undefined) return takers.find((worker) => !refuses(worker));
  for (let left = takers; left.length > 0; ) {
    const chosen = builder.choose(left, requestId);
    const worker = left.find((one) => one === chosen);
    if (worker === undefined || !refuses(worker)) return worker;
    left = left.filter((one) => one !== worker);
  }
  return undefined;
}

/** Whether `place` finds a worker for some request, now or when its builds leave room: without looking for the best one. */
export function canPlace(builder: BuilderView, workers: Iterable<WorkerView>): boolean {
  if (judgeBuilder(builder).length > 0) return false;
  for (const worker of workers) if (judgeWorker(worker) === undefined && mayTake(builder, worker)) return true;
  return false;
}

/** One that is too loaded for a heavy build may have to keep its free capacity for it. */
function mayTake(builder: BuilderView, worker: WorkerView): boolean {
  const obstacle = judgePair(builder, worker, worker.onlyRequest);
  return obstacle === undefined || (obstacle.kind === "worker_loaded" && obstacle.weight <= obstacle.capacity);
}

function isBetter(worker: WorkerView, best: WorkerView): boolean {
  const isAttached = worker.presence === "attached";
  if (isAttached !== (best.presence === "attached")) return isAttached;
  return worker.builds < best.builds;
}
