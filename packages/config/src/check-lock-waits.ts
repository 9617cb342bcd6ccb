import { type HeldUse, type LockWait, listLockWaits } from "./lock-waits.ts";
import { type LockUseConfig, maxOf } from "./locks.ts";
import type { PlaceOf } from "./place-of.ts";
import type { BuildersSlice } from "./slices/builders.ts";
import type { SchedulerSlice } from "./slices/scheduler.ts";

/**
 * Steps that wait for builds which need a lock that the step, or its own build, has meanwhile: neither would ever go on. `isSingle`
 * says of a name in `workers` that it is one worker, and not several instances.
 */
export function checkAwaitedLocks(
  sets: ReadonlyMap<string, BuildersSlice>,
  scheduler: SchedulerSlice,
  placeOf: PlaceOf,
  isSingle: (worker: string) => boolean = () => true,
): string[] {
  const reported = new Set<string>();
  return listLockWaits(sets, scheduler, placeOf).flatMap((wait) => {
    const { place, chain } = wait;
    const key = `${place} ${chain[0]}`;
    const lock = reported.has(key) ? undefined : findMissing(wait, isSingle);
    if (lock === undefined) return [];
    reported.add(key);
    return [`${place}: ${describeChain(chain)} need ${lock}: they would wait for each other for ever`];
  });
}

/** "waits for builds of "a", which wait for builds of "b", which" */
export function describeChain(chain: readonly string[]): string {
  return `waits for builds of ${chain.map((name) => `"${name}"`).join(", which wait for builds of ")}, which`;
}

/** A lock that a build of the last builder needs, and cannot have beside what the builds before have. */
function findMissing(wait: LockWait, isSingle: (worker: string) => boolean): string | undefined {
  const { own, held, last, wanted, builder } = wait;
  for (const use of wanted) {
    const { name, scope } = use.lock;
    // Its builds can run elsewhere, unless there is only one worker for them.
    const [worker, ...others] = last.workers;
    if (worker === undefined || (scope === "worker" && (others.length > 0 || !isSingle(worker)))) continue;
    const isThere = (one: HeldUse) =>
      one.use.lock.name === name && (scope === "cluster" || mayRunOn(one, worker, one.builder === builder));
    if (!own.some(isThere) || !excludes(held.filter(isThere), use, worker)) continue;
    if (scope === "cluster") return `the lock "${name}" that this build has`;
    const when = builder.workers.length > 1 ? " while it runs there" : "";
    return `the lock "${name}" of the worker "${worker}" that this build has${when}`;
  }
  return undefined;
}

/** Whether the build is on the worker: certainly, or, of the build whose step waits, in some cases. */
function mayRunOn({ builder: { workers } }: HeldUse, worker: string, isFirst: boolean): boolean {
  return workers.includes(worker) && (isFirst || workers.length === 1);
}

function excludes(held: readonly HeldUse[], { lock, mode, count }: LockUseConfig, worker: string): boolean {
  const taken = held.reduce((sum, { use }) => sum + use.count, 0);
  return (
    mode === "exclusive" || held.some(({ use }) => use.mode === "exclusive") || taken + count > maxOf(lock, worker)
  );
}
