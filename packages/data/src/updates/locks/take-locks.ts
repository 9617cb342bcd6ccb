import type { Lease } from "@multimaster/cluster";
import {
  type Connection,
  deleteInvalidWaits,
  deleteWaits,
  type HoldRow,
  holdLockRows,
  insertHolds,
  insertWaits,
  type LockKey,
  lockKeyOf,
  readHolds,
  readLockLimits,
  readRanks,
  readWaits,
  settleHolds,
  type WaitRow,
} from "@multimaster/database";
import { covers, grantLocks, type LockDemand, type LockOwner, type LockWaiter } from "@multimaster/placement";

/** One lock that is wanted, as the config has it after rendering. */
export interface LockUse extends LockKey {
  /** Alone; otherwise beside other counting uses. */
  readonly exclusive: boolean;
  readonly count: number;
  /** A counting use gets one of these; empty: the lock has no named resources. */
  readonly resources: readonly string[];
  /** How long it stays taken if its build is lost. */
  readonly keepMs: number;
}

/** Locks that are wanted for a build (`stepid` 0) or a step: all or none. */
export interface LockWish extends LockOwner {
  readonly uses: readonly LockUse[];
}

/** A lock that was taken. */
export interface TakenLock {
  readonly holdid: number;
  readonly lockid: number;
  readonly name: string;
  readonly resource: string | null;
}

export type LockAnswer =
  | { readonly kind: "taken"; readonly locks: readonly TakenLock[] }
  /** It waits for `lockids`, since now if `isNew`. `short` are the uses that it is short of. */
  | {
      readonly kind: "waits";
      readonly short: readonly LockUse[];
      readonly lockids: readonly number[];
      readonly isNew: boolean;
    };

interface Candidate extends LockWaiter {
  readonly wish: LockWish;
}

const isSameOwner = (a: LockOwner, b: LockOwner) => a.buildrequestid === b.buildrequestid && a.stepid === b.stepid;
const ownerKey = ({ buildrequestid, stepid }: LockOwner) => `${buildrequestid} ${stepid}`;

/**
 * Takes locks in a fenced transaction: of each wish all or none. Wishes that are not granted wait from now on at this
 * master. What an earlier call has taken, whose answer was lost, is still had.
 */
export async function takeLocks(tx: Connection, lease: Lease, wishes: readonly LockWish[]): Promise<LockAnswer[]> {
  const uses = wishes.flatMap((wish) => wish.uses);
  if (uses.length === 0) return wishes.map(() => ({ kind: "taken", locks: [] }));
  const lockids = await holdLockRows(tx, uses);
  const idOf = (use: LockKey) => lockids.get(lockKeyOf(use)) as number;
  const wanted = [...new Set(lockids.values())];
  const settled = await settleHolds(tx, wanted);
  await deleteInvalidWaits(tx, wanted);
  const ofWanted = await readWaits(tx, wanted);
  const others = [...new Set(ofWanted.map(({ lockid }) => lockid))].filter((lockid) => !wanted.includes(lockid));
  const involved = [...wanted, ...others];
  // Who is the first at these locks decides whether the wanted ones are kept for it.
  const waits = others.length === 0 ? ofWanted : await readWaits(tx, involved);
  const [ofOthers, limits, ranks] = await Promise.all([
    readHolds(tx, others),
    readLockLimits(tx, involved),
    readRanks(tx, [...new Set(wishes.map(({ buildrequestid }) => buildrequestid))]),
  ]);
  const holds = [...settled, ...ofOthers];
  const had = (wish: LockWish) => settled.filter((hold) => isSameOwner(hold, wish) && hold.masterid === lease.masterid);
  // Whom another master has is not to be granted anything: its claim will be found lost.
  const open = wishes.filter((wish) => !settled.some((hold) => isSameOwner(hold, wish)));
  const candidates = open.map((wish) => makeCandidate(wish, idOf, waits, ranks));
  const states = involved.map((lockid) => ({
    lockid,
    max: limits.get(lockid) ?? 1,
    holds: holds.filter((hold) => hold.lockid === lockid).map(asHold),
  }));
  const now = [...ranks.values()][0]?.now;
  const verdicts = grantLocks(states, [...candidates, ...othersOf(waits, open)], now);
  const shortOf = new Map(verdicts.map(({ waiter, short }) => [ownerKey(waiter), short]));
  const granted = candidates.filter((candidate) => shortOf.get(ownerKey(candidate))?.length === 0);
  const taken = await writeGranted(tx, lease, granted, holds, idOf);
  const waiters = candidates.filter((candidate) => !granted.includes(candidate));
  const begun = new Set((await insertWaits(tx, lease, waitsOf(waiters))).map(ownerKey));
  return wishes.map((wish): LockAnswer => {
    const ids = new Set(shortOf.get(ownerKey(wish)) ?? []);
    if (ids.size > 0) {
      const short = wish.uses.filter((use) => ids.has(idOf(use)));
      return { kind: "waits", short, lockids: [...ids], isNew: begun.has(ownerKey(wish)) };
    }
    return { kind: "taken", locks: describeTaken(wish, [...had(wish), ...taken], idOf) };
  });
}

function makeCandidate(
  wish: LockWish,
  idOf: (use: LockUse) => number,
  waits: readonly WaitRow[],
  ranks: Awaited<ReturnType<typeof readRanks>>,
): Candidate {
  const { buildrequestid, stepid } = wish;
  const rank = ranks.get(buildrequestid);
  const known = waits.filter((wait) => isSameOwner(wait, wish)).map(({ since }) => since);
  const since = stepid === 0 ? (rank?.submittedAt ?? 0) : (known[0] ?? rank?.now ?? 0);
  const demands = wish.uses.map((use) => ({ lockid: idOf(use), exclusive: use.exclusive, count: use.count }));
  const goesOn = rank?.goesOn === 1;
  return { wish, buildrequestid, stepid, priority: rank?.priority ?? 0, since, demands, goesOn };
}

/** Waiters of the rows, of whichever master, but for those that are asked about now. */
function othersOf(waits: readonly WaitRow[], open: readonly LockWish[]): LockWaiter[] {
  const asked = new Set(open.map(ownerKey));
  const others = new Map<string, LockWaiter & { readonly demands: LockDemand[] }>();
  for (const { buildrequestid, stepid, priority, since, goesOn, ...row } of waits) {
    const key = ownerKey({ buildrequestid, stepid });
    if (asked.has(key)) continue;
    const waiter = { buildrequestid, stepid, priority, since, goesOn: goesOn === 1 };
    const other = others.get(key) ?? { ...waiter, demands: [] };
    // Several engines may wait to start the same request.
    if (other.demands.every(({ lockid }) => lockid !== row.lockid))
      other.demands.push({ lockid: row.lockid, exclusive: row.exclusive === 1, count: row.count });
    others.set(key, other);
  }
  return [...others.values()];
}

const asHold = ({ buildrequestid, stepid, exclusive, count }: HoldRow) => ({
  buildrequestid,
  stepid,
  exclusive: exclusive === 1,
  count,
});

const waitsOf = (candidates: readonly Candidate[]) =>
  candidates.flatMap(({ buildrequestid, stepid, since, demands }) =>
    demands.map(({ lockid, exclusive, count }) => ({
      lockid,
      buildrequestid,
      stepid,
      exclusive: exclusive ? 1 : 0,
      count,
      since,
    })),
  );

interface Taken extends LockOwner {
  readonly holdid: number;
  readonly lockid: number;
  readonly resource: string | null;
}

async function writeGranted(
  tx: Connection,
  lease: Lease,
  granted: readonly Candidate[],
  holds: readonly HoldRow[],
  idOf: (use: LockUse) => number,
): Promise<Taken[]> {
  if (granted.length === 0) return [];
  const inUse = new Set(holds.flatMap(({ lockid, resource }) => (resource === null ? [] : [`${lockid} ${resource}`])));
  const rows = granted.flatMap(({ wish: { buildrequestid, stepid, uses } }) => {
    const byBuild = holds.filter((hold) => stepid > 0 && isSameOwner(hold, { buildrequestid, stepid: 0 }));
    return uses.flatMap((use) => {
      const lockid = idOf(use);
      // Its build has as much of it already.
      if (byBuild.some((hold) => hold.lockid === lockid && covers(asHold(hold), use))) return [];
      const resource = use.exclusive ? undefined : use.resources.find((one) => !inUse.has(`${lockid} ${one}`));
      if (resource !== undefined) inUse.add(`${lockid} ${resource}`);
      const { exclusive, count, keepMs } = use;
      return {
        lockid,
        buildrequestid,
        stepid,
        exclusive: exclusive ? 1 : 0,
        count,
        resource: resource ?? null,
        keepMs,
      };
    });
  });
  const inserted = await insertHolds(tx, lease, rows);
  await deleteWaits(tx, lease.masterid, granted);
  return inserted.map((row) => {
    const own = rows.find((one) => one.lockid === row.lockid && isSameOwner(one, row));
    return { ...row, resource: own?.resource ?? null };
  });
}

function describeTaken(wish: LockWish, taken: readonly Taken[], idOf: (use: LockUse) => number): TakenLock[] {
  return wish.uses.flatMap((use) =>
    taken
      .filter((row) => row.lockid === idOf(use) && isSameOwner(row, wish))
      .map(({ holdid, lockid, resource }) => ({ holdid, lockid, resource, name: use.name })),
  );
}
