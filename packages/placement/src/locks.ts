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
  /** It has locks already, or a build waits for it: others may wait for its end, so what is kept for others does not hold it up. */
  readonly goesOn?: boolean;
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

/** From so many seconds on, the first that waits for a lock has its other locks kept for it. */
const patienceS = 300;

/**
 * Whether the other locks of one that has waited so long for a lock are kept for it: otherwise those behind it take one of them
 * whenever another is free, and it may wait for ever. Between the times at which they are kept, of 5, 20, 80 … minutes, they are not: what
 * it waits for may itself wait for a build that is held up.
 */
export function keepsLocks(waitedS: number): boolean {
  return waitedS >= patienceS && Math.floor(Math.log2(waitedS / patienceS)) % 2 === 0;
}

interface Load {
  readonly max: number;
  exclusive: boolean;
  count: number;
  users: number;
}

/** The locks while it is decided who can go. */
class Loads {
  #loads = new Map<number, Load>();
  /** The same with what is kept for some that wait. */
  #kept = new Map<number, Load>();

  constructor(locks: Iterable<LockState>) {
    for (const { lockid, max, holds } of locks) {
      for (const loads of [this.#loads, this.#kept]) loads.set(lockid, { max, exclusive: false, count: 0, users: 0 });
      for (const hold of holds) this.take({ ...hold, lockid });
    }
  }

  fits(demand: LockDemand, goesOn: boolean): boolean {
    const load = (goesOn ? this.#loads : this.#kept).get(demand.lockid);
    return load === undefined || fits(load, demand);
  }

  take(demand: LockDemand): void {
    const load = this.#loads.get(demand.lockid);
    if (load) take(load, demand);
    this.keep(demand);
  }

  keep(demand: LockDemand): void {
    const load = this.#kept.get(demand.lockid);
    if (load) take(load, demand);
  }
}

/**
 * Decides who can go. Goes through all waiters by rank: one that can go takes what it wants, and one that cannot bars the locks that
 * it is short of for all behind it. If it is the first at these and has waited for long, its other locks are kept for it.
 * `now`: in seconds since 1970; without it nothing is kept.
 */
export function grantLocks<W extends LockWaiter>(
  locks: readonly LockState[],
  waiters: readonly W[],
  now = Number.NEGATIVE_INFINITY,
): LockVerdict<W>[] {
  const loads = new Loads(locks);
  const held = new Map<string, LockDemand>();
  for (const { lockid, holds } of locks)
    for (const hold of holds) if (hold.stepid === 0) held.set(`${lockid} ${hold.buildrequestid}`, { lockid, ...hold });
  const barred = new Set<number>();
  return waiters.toSorted(compareWaiters).map((waiter) => {
    const demands = waiter.demands.filter((demand) => !isCovered(demand, waiter, held));
    const isFree = (demand: LockDemand) => !barred.has(demand.lockid) && loads.fits(demand, waiter.goesOn === true);
    const short = demands.filter((demand) => !isFree(demand)).map(({ lockid }) => lockid);
    if (short.length === 0) for (const demand of demands) loads.take(demand);
    else if (keepsLocks(now - waiter.since) && short.every((lockid) => !barred.has(lockid)))
      for (const demand of demands) if (!short.includes(demand.lockid)) loads.keep(demand);
    for (const lockid of short) barred.add(lockid);
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
