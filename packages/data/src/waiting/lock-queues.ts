import {
  buildOfHold,
  type Connection,
  isHoldValid,
  keptUntil,
  queryRows,
  readAllWaits,
  readHolds,
  readLockLimits,
  type WaitRow,
} from "@multimaster/database";
import { compareWaiters, grantLocks, type HeldLock, type LockWaiter } from "@multimaster/placement";
import { groupValues } from "../read/group-values.ts";
import { describeTime, listNames } from "./reasons.ts";

interface Queued extends LockWaiter {
  readonly builderid: number;
  readonly masterids: readonly number[];
}

interface HolderRow {
  lockid: number;
  name: string;
  holder: string;
  master: string | null;
  /** Of a build that was lost: it has ended, or waits for a master that adopts it. */
  ended: number;
  keptUntil: number | null;
  worker: string | null;
}

/** Who waits for which locks, and what each is short of: of all masters, as the rows have it. */
export class LockQueues {
  #queued: readonly Queued[];
  #short: ReadonlyMap<Queued, readonly HeldLock[]>;
  /** By name. */
  #locks: ReadonlyMap<string, HeldLock>;

  private constructor(
    queued: readonly Queued[],
    short: ReadonlyMap<Queued, readonly HeldLock[]>,
    locks: readonly HeldLock[],
  ) {
    this.#queued = queued;
    this.#short = short;
    this.#locks = new Map(locks.map((lock) => [lock.name, lock]));
  }

  /** When nothing waits for a lock. */
  static readonly empty = new LockQueues([], new Map(), []);

  static async read(connection: Connection): Promise<LockQueues> {
    const waits = await readAllWaits(connection);
    if (waits.length === 0) return LockQueues.empty;
    const lockids = [...new Set(waits.map(({ lockid }) => lockid))];
    const [holds, limits, holders] = await Promise.all([
      readHolds(connection, lockids),
      readLockLimits(connection, lockids),
      readHolders(connection, lockids),
    ]);
    const states = lockids.map((lockid) => ({
      lockid,
      max: limits.get(lockid) ?? 1,
      holds: holds
        .filter((hold) => hold.lockid === lockid)
        .map(({ exclusive, ...hold }) => ({ ...hold, exclusive: exclusive === 1 })),
    }));
    const queued = queueOf(waits);
    const verdicts = grantLocks(states, queued, waits[0]?.now);
    const describe = (lockid: number, waiter?: Queued): HeldLock => {
      const own = holders.filter((row) => row.lockid === lockid);
      const ahead = queued.filter(
        (other) =>
          (waiter === undefined || compareWaiters(other, waiter) < 0) &&
          other.demands.some((demand) => demand.lockid === lockid),
      );
      const names = own.flatMap((row) => (row.holder === "" ? [] : nameHolder(row)));
      return { name: own[0]?.name ?? String(lockid), holder: listNames(names) || "no build now", ahead: ahead.length };
    };
    const short = verdicts.map(
      (verdict) => [verdict.waiter, verdict.short.map((lockid) => describe(lockid, verdict.waiter))] as const,
    );
    return new LockQueues(
      queued,
      new Map(short),
      lockids.map((lockid) => describe(lockid)),
    );
  }

  /** A lock as it is for one that has not asked for it yet: behind all who wait for it. */
  behindAll(name: string | undefined): HeldLock | undefined {
    return name === undefined ? undefined : this.#locks.get(name);
  }

  /** What a request is short of at this engine, where it waits to begin; empty: it does not wait there. */
  ofRequest(buildrequestid: number, masterid: number): readonly HeldLock[] {
    const one = this.#queued.find(
      (queued) =>
        queued.stepid === 0 && queued.buildrequestid === buildrequestid && queued.masterids.includes(masterid),
    );
    return this.#of(one);
  }

  /** Whether the request waits to begin, at whichever engine. */
  hasRequest(buildrequestid: number): boolean {
    return this.#queued.some((queued) => queued.stepid === 0 && queued.buildrequestid === buildrequestid);
  }

  /** What the running step of a request's build is short of. */
  ofStep(buildrequestid: number): readonly HeldLock[] {
    return this.#of(this.#queued.find((queued) => queued.stepid > 0 && queued.buildrequestid === buildrequestid));
  }

  /** What requests of the builder are short of at this engine: one that is not tried yet waits behind these. */
  ofBuilder(builderid: number, masterid: number): readonly HeldLock[] {
    return this.#of(
      this.#queued.findLast(
        (queued) => queued.stepid === 0 && queued.builderid === builderid && queued.masterids.includes(masterid),
      ),
    );
  }

  #of(queued: Queued | undefined): readonly HeldLock[] {
    return queued === undefined ? [] : (this.#short.get(queued) ?? []);
  }
}

/** The waiters by rank; several engines may wait to start one request. */
function queueOf(waits: readonly (WaitRow & { readonly builderid: number })[]): Queued[] {
  // A step has an id of its own, and so has a request that waits to begin.
  const groups = [waits.filter(({ stepid }) => stepid === 0), waits.filter(({ stepid }) => stepid > 0)].flatMap(
    (rows, i) => [...groupValues(rows.map((row) => [i === 0 ? row.buildrequestid : row.stepid, row])).values()],
  );
  return groups
    .map((rows): Queued => {
      const { buildrequestid, stepid, priority, since, builderid, goesOn } = rows[0] as (typeof rows)[0];
      const demands = new Map(
        rows.map(({ lockid, exclusive, count }) => [lockid, { lockid, exclusive: exclusive === 1, count }]),
      );
      const masterids = [...new Set(rows.map(({ masterid }) => masterid))];
      const waiter = { buildrequestid, stepid, priority, since, builderid, masterids, goesOn: goesOn === 1 };
      return { ...waiter, demands: [...demands.values()] };
    })
    .sort(compareWaiters);
}

/** "web #81 on engine-2", and what is known if it was lost. */
function nameHolder({ holder, master, ended, keptUntil: until, worker }: HolderRow): string {
  if (until === null) return holder;
  const loss = ended === 1 ? "lost" : `${master} is lost`;
  return `${holder} (${loss}; its command may still run on ${worker}; kept until ${describeTime(until)} at most)`;
}

/** The locks with those who have them; a lock that no one has comes once, without. */
function readHolders(connection: Connection, lockids: readonly number[]): Promise<HolderRow[]> {
  const wanted = connection.dialect.isOneOf("lk.lockid", lockids);
  return queryRows<HolderRow>(
    connection,
    `select lk.lockid, lk.name || coalesce(' of ' || w.name, '') as name,
            coalesce(bu.name || coalesce(' #' || b.number, '') || ' on ' || m.name, '') as holder,
            m.name as master, case when b.complete_at is null then 0 else 1 end as ended, ${keptUntil("h", "b")} as "keptUntil", bw.name as worker
       from mm_locks lk left join mm_lock_holds h on h.lockid = lk.lockid and ${isHoldValid("h")}
       left join masters m on m.id = h.masterid left join workers w on w.id = lk.workerid
       left join buildrequests r on r.id = h.buildrequestid left join builders bu on bu.id = r.builderid
       left join builds b on b.id = ${buildOfHold("h")} left join workers bw on bw.id = b.workerid
      where ${wanted.sql} order by h.holdid`,
    wanted.bindings,
  );
}
