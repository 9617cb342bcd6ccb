/** A builder as the distributor sees it. */
export interface PickableBuilder {
  readonly builderid: number;
  /** How many more builds of it may run here; Infinity without a limit. */
  readonly free: number;
  readonly workers: readonly string[];
}

export interface PickableWorker {
  readonly name: string;
  readonly free: number;
  /** Builds it has: the least busy is chosen. */
  readonly builds: number;
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
  const free = new Set(workers.filter((worker) => worker.free > 0).map((worker) => worker.name));
  return builders.filter((builder) => builder.free > 0 && builder.workers.some((name) => free.has(name)));
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
  const left = new Map(workers.map((worker) => [worker.name, { free: worker.free, builds: worker.builds }]));
  const byId = new Map(
    builders.map((builder) => [builder.builderid, { workers: builder.workers, free: builder.free }]),
  );
  const picks: Pick<R>[] = [];
  for (const request of requests) {
    const builder = byId.get(request.builderid);
    if (builder === undefined || builder.free <= 0) continue;
    const workerName = findLeastBusy(builder.workers, left);
    if (workerName === undefined) continue;
    const worker = left.get(workerName) as { free: number; builds: number };
    worker.free -= 1;
    worker.builds += 1;
    builder.free -= 1;
    picks.push({ request, workerName });
  }
  return picks;
}

function findLeastBusy(
  names: readonly string[],
  left: ReadonlyMap<string, { free: number; builds: number }>,
): string | undefined {
  let best: { name: string; builds: number } | undefined;
  for (const name of names) {
    const worker = left.get(name);
    if (worker === undefined || worker.free <= 0) continue;
    if (best === undefined || worker.builds < best.builds) best = { name, builds: worker.builds };
  }
  return best?.name;
}
