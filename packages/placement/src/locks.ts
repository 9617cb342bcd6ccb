/** One lock that a build or a step wants, and how. */
export interface LockDemand {
  readonly lockid: number;
  /** Alone; otherwise beside other counting uses. */
  readonly exclusive: boolean;
  /** How much of the lock's maximum a counting use takes. */
  readonly count: number;
}

/** A build request that waits to start, or a step of a running build. */
export interface LockOwner {
  readonly buildrequestid: number;
  /** 0: the build itself. */
  readonly stepid: number;
}

/** Someone who wants locks: all of them together. */
export interface LockWaiter extends LockOwner {
  readonly priority: number;
  /** Seconds since 1970. */
  readonly since: number;
  readonly demands: readonly LockDemand[];
}

/** A lock as it is now. */
export interface LockState {
  readonly lockid: number;
  readonly max: number;
  readonly holds: readonly (LockOwner & Pick<LockDemand, "exclusive" | "count">)[];
}

/** What a waiter is short of: locks that others have, or that others are to have first. */
export interface LockVerdict<W extends LockWaiter> {
  readonly waiter: W;
  /** Empty: it can go. */
  readonly short: readonly number[];
}

/** Higher priority first, then the one that has waited longer. */
export function compareWaiters(a: LockWaiter, b: LockWaiter): number {
  return b.priority - a.priority || a.since - b.since || a.buildrequestid - b.buildrequestid || a.stepid - b.stepid;
}

interface Load {
  readonly max: number;
  exclusive: boolean;
  count: number;
  users: number;
}

/**
 * Decides who can go. Goes through all waiters by rank: one that can go reserves what it wants, and one that cannot bars
 * the locks that it is short of for all behind it.
 */
export function grantLocks<W extends LockWaiter>(locks: Iterable<LockState>, waiters: readonly W[]): LockVerdict<W>[] {
  const loads = new Map<number, Load>();
  const held = new Map<string, LockDemand>();
  for (const { lockid, max, holds } of locks) {
    const load: Load = { max, exclusive: false, count: 0, users: 0 };
    for (const hold of holds) {
      take(load, hold);
      if (hold.stepid === 0) held.set(`${lockid} ${hold.buildrequestid}`, { lockid, ...hold });
    }
    loads.set(lockid, load);
  }
  const barred = new Set<number>();
  return waiters.toSorted(compareWaiters).map((waiter) => {
    const demands = waiter.demands.filter((demand) => !isCovered(demand, waiter, held));
    const short = demands.flatMap((demand) => {
      const load = loads.get(demand.lockid);
      return load === undefined || (!barred.has(demand.lockid) && fits(load, demand)) ? [] : [demand.lockid];
    });
    if (short.length > 0) for (const lockid of short) barred.add(lockid);
    else
      for (const demand of demands) {
        const load = loads.get(demand.lockid);
        if (load) take(load, demand);
      }
    return { waiter, short };
  });
}

/** A step has what its build has. */
function isCovered(demand: LockDemand, { buildrequestid, stepid }: LockOwner, held: ReadonlyMap<string, LockDemand>) {
  const own = stepid === 0 ? undefined : held.get(`${demand.lockid} ${buildrequestid}`);
  return own !== undefined && covers(own, demand);
}

/** Whether what a build has of a lock is enough for what a step of it asks for. */
export function covers(own: Pick<LockDemand, "exclusive" | "count">, demand: Pick<LockDemand, "exclusive" | "count">) {
  return own.exclusive || (!demand.exclusive && demand.count <= own.count);
}

function fits({ max, exclusive, count, users }: Load, demand: LockDemand): boolean {
  if (exclusive) return false;
  return demand.exclusive ? users === 0 : count + demand.count <= max;
}

function take(load: Load, { exclusive, count }: Pick<LockDemand, "exclusive" | "count">): void {
  load.users += 1;
  if (exclusive) load.exclusive = true;
  else load.count += count;
}
