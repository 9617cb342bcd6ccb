import { judgeWorker } from "./judge.ts";
import { judgeRequest } from "./last-try.ts";
import { canPlace, place } from "./place.ts";
import type { BuilderView, WorkerView } from "./world.ts";

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
  engine: { readonly runsLastTry: boolean },
): PlacedRequest<R>[] {
  const left = takersByName(workers);
  const namesOf = createTakerNames(left);
  const byId = new Map(builders.map((builder) => [builder.builderid, builder]));
  const placed: PlacedRequest<R>[] = [];
  let { runsLastTry } = engine;
  for (const request of requests) {
    if (judgeRequest(request, { runsLastTry })) continue;
    const builder = byId.get(request.builderid);
    if (!builder) continue;
    const placement = place(builder, workersOf(namesOf(builder), left), request.buildrequestid);
    if (placement.kind !== "placed") continue;
    const { worker } = placement;
    left.set(worker.name, withBuild(worker, builder.directory));
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

function withBuild(worker: WorkerView, directory: string): WorkerView {
  return { ...worker, builds: worker.builds + 1, directories: new Set(worker.directories).add(directory) };
}
