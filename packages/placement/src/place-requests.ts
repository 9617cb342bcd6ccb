import { judgePair, judgeWorker } from "./judge.ts";
import { judgeRequest } from "./last-try.ts";
import { canPlace, place } from "./place.ts";
import type { BuilderView, KeptFor, WorkerView } from "./world.ts";

/** A builder with the workers that are configured for it, by name. */
export interface PlaceableBuilder extends BuilderView {
  readonly builderid: number;
  /** Builders that have the same workers may share one list: then its workers are looked up once. */
  readonly workers: readonly string[];
}

export interface PlaceableRequest {
  readonly buildrequestid: number;
  readonly builderid: number;
  /** One more loss of its build ends it. */
  readonly isOnLastTry: boolean;
}

/** A request and the worker on which its build starts. */
export interface PlacedRequest<R extends PlaceableRequest> {
  readonly request: R;
  readonly workerName: string;
}

/** The builders of which a build could start now. */
export function listStartable(
  builders: readonly PlaceableBuilder[],
  workers: readonly WorkerView[],
): PlaceableBuilder[] {
  const takers = takersByName(workers);
  const namesOf = createTakerNames(takers);
  return builders.filter((builder) => canPlace(builder, workersOf(namesOf(builder), takers)));
}

/**
 * Returns each request, in the order given (priority, then age, over all builders), a slot of a worker. A request that
 * finds none is left out, and holds back none behind it.
 */
export function placeRequests<R extends PlaceableRequest>(
  requests: readonly R[],
  builders: readonly PlaceableBuilder[],
  workers: readonly WorkerView[],
  engine: {
    readonly runsLastTry: boolean;
    /** Is called with each worker whose free capacity is kept for a request that needs more of it. */
    readonly onKept?: (workerName: string, keptFor: KeptFor) => void;
  },
): PlacedRequest<R>[] {
  const left = takersByName(workers);
  const namesOf = createTakerNames(left);
  const byId = new Map(builders.map((builder) => [builder.builderid, builder]));
  const placed: PlacedRequest<R>[] = [];
  const keeping = new Set<number>();
  let { runsLastTry } = engine;
  for (const request of requests) {
    if (judgeRequest(request, { runsLastTry })) continue;
    const builder = byId.get(request.builderid);
    if (!builder) continue;
    const placement = place(builder, workersOf(namesOf(builder), left), request.buildrequestid);
    if (placement.kind === "no_worker_takes_it" && !keeping.has(builder.builderid)) {
      const worker = findRoomiest(builder, workersOf(namesOf(builder), left), request.buildrequestid);
      if (worker) {
        const { buildrequestid, builderid } = request;
        keeping.add(builderid);
        left.set(worker.name, { ...worker, keptFor: { buildrequestid, builderid } });
        engine.onKept?.(worker.name, { buildrequestid, builderid });
      }
    }
    if (placement.kind !== "placed") continue;
    const { worker } = placement;
    left.set(worker.name, withBuild(worker, builder));
    byId.set(builder.builderid, { ...builder, running: builder.running + 1 });
    runsLastTry ||= request.isOnLastTry;
    placed.push({ request, workerName: worker.name });
  }
  return placed;
}

/** Those that take a build: usually far fewer than there are. */
function takersByName(workers: readonly WorkerView[]): Map<string, WorkerView> {
  return new Map(workers.flatMap((worker) => (judgeWorker(worker) === undefined ? [[worker.name, worker]] : [])));
}

/** The names of a builder's workers that take a build: found once for all builders that have the same list. */
function createTakerNames(takers: ReadonlyMap<string, WorkerView>): (builder: PlaceableBuilder) => readonly string[] {
  const found = new Map<readonly string[], readonly string[]>();
  return ({ workers }) => {
    const known = found.get(workers);
    if (known) return known;
    const names = takers.size === 0 ? [] : workers.filter((name) => takers.has(name));
    found.set(workers, names);
    return names;
  };
}

/** Looked up one by one: of thousands of workers the first free one often answers the question. */
function workersOf(names: readonly string[], byName: ReadonlyMap<string, WorkerView>): Iterable<WorkerView> {
  return {
    *[Symbol.iterator]() {
      for (const name of names) yield byName.get(name) as WorkerView;
    },
  };
}

function withBuild(worker: WorkerView, { directory, weight = 1 }: BuilderView): WorkerView {
  return {
    ...worker,
    builds: worker.builds + 1,
    load: (worker.load ?? 0) + weight,
    directories: new Set(worker.directories).add(directory),
  };
}

/**
 * The worker on which a request that waits only for the builds of others to free capacity waits best. Its capacity is kept, or else
 * lighter requests behind this one would take it for ever.
 */
function findRoomiest(
  builder: PlaceableBuilder,
  workers: Iterable<WorkerView>,
  requestId: number,
): WorkerView | undefined {
  const { weight = 1 } = builder;
  const roomOf = ({ capacity, load = 0 }: WorkerView) => (capacity ?? 0) - load;
  let best: WorkerView | undefined;
  for (const worker of workers) {
    const { capacity, keptFor } = worker;
    if (capacity === undefined || capacity === null || weight > capacity || keptFor !== undefined) continue;
    if (judgePair(builder, worker, requestId)?.kind !== "worker_loaded") continue;
    if (builder.refusesRequest?.(worker, requestId) !== undefined) continue;
    if (best === undefined || roomOf(worker) > roomOf(best)) best = worker;
  }
  return best;
}
