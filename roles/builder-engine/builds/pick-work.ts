/** A builder as the distributor sees it. */
export interface PickableBuilder {
  readonly builderid: number;
  /** How many more builds of it may run here; Infinity without a limit. */
  readonly free: number;
  /** Where it builds on a worker. */
  readonly directory: string;
  readonly workers: readonly string[];
}

export interface PickableWorker {
  readonly name: string;
  readonly free: number;
  /** Builds it has: the least busy is chosen. */
  readonly builds: number;
  /** Those in use: only one build at a time works in a directory, however many places there are. */
  readonly directories: ReadonlySet<string>;
}

export interface PickableRequest {
  readonly buildrequestid: number;
  readonly builderid: number;
}

export interface Pick<R extends PickableRequest> {
  readonly request: R;
  readonly workerName: string;
}

/** The builders that could start a build now: below their limit, with a free worker. */
export function listStartable(
  builders: readonly PickableBuilder[],
  workers: readonly PickableWorker[],
): PickableBuilder[] {
  const free = new Map(workers.filter((worker) => worker.free > 0).map((worker) => [worker.name, worker]));
  return builders.filter(
    ({ free: places, workers: names, directory }) =>
      places > 0 && names.some((name) => free.get(name)?.directories.has(directory) === false),
  );
}

/**
 * Gives each request, in the order given (priority, then age, over all builders), the least busy worker that is free
 * for it. A request that finds none is left out, and holds back nobody behind it.
 */
export function pickWork<R extends PickableRequest>(
  requests: readonly R[],
  builders: readonly PickableBuilder[],
  workers: readonly PickableWorker[],
): Pick<R>[] {
  const left = new Map<string, Place>(
    workers.map(({ name, free, builds, directories }) => [name, { free, builds, directories: new Set(directories) }]),
  );
  const byId = new Map(builders.map((builder) => [builder.builderid, { ...builder }]));
  const picks: Pick<R>[] = [];
  for (const request of requests) {
    const builder = byId.get(request.builderid);
    if (builder === undefined || builder.free <= 0) continue;
    const workerName = findLeastBusy(builder, left);
    if (workerName === undefined) continue;
    const worker = left.get(workerName) as Place;
    worker.free -= 1;
    worker.builds += 1;
    worker.directories.add(builder.directory);
    builder.free -= 1;
    picks.push({ request, workerName });
  }
  return picks;
}

/** What is left of a worker. */
interface Place {
  free: number;
  builds: number;
  directories: Set<string>;
}

function findLeastBusy(
  { workers: names, directory }: PickableBuilder,
  left: ReadonlyMap<string, Place>,
): string | undefined {
  let best: { name: string; builds: number } | undefined;
  for (const name of names) {
    const worker = left.get(name);
    if (worker === undefined || worker.free <= 0 || worker.directories.has(directory)) continue;
    if (best === undefined || worker.builds < best.builds) best = { name, builds: worker.builds };
  }
  return best?.name;
}
