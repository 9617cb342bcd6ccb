import { describe, expect, it } from "vitest";
import { createSeededRandom } from "../../../test/harness/seeded-random.ts";
import { grantLocks, type LockState, type LockWaiter } from "./locks.ts";

const lock = (lockid: number, max: number, ...holds: LockState["holds"]): LockState => ({ lockid, max, holds });
const hold = (buildrequestid: number, exclusive = false, count = 1, stepid = 0) => ({
  buildrequestid,
  stepid,
  exclusive,
  count,
});
const waiter = (
  buildrequestid: number,
  demands: readonly (readonly [lockid: number, kind: "alone" | number])[],
  rank: Partial<LockWaiter> = {},
): LockWaiter => ({
  buildrequestid,
  stepid: 0,
  priority: 0,
  since: buildrequestid,
  demands: demands.map(([lockid, kind]) => ({
    lockid,
    exclusive: kind === "alone",
    count: kind === "alone" ? 1 : kind,
  })),
  ...rank,
});
const going = (locks: LockState[], ...waiters: LockWaiter[]) =>
  grantLocks(locks, waiters).flatMap(({ waiter, short }) => (short.length === 0 ? [waiter.buildrequestid] : []));

describe("who gets a lock", () => {
  it("is the one of the highest priority, then the oldest", () => {
    const waiters = [waiter(1, [[1, "alone"]]), waiter(2, [[1, "alone"]]), waiter(3, [[1, "alone"]], { priority: 5 })];
    expect(going([lock(1, 1)], ...waiters)).toEqual([3]);
    expect(going([lock(1, 1)], ...waiters.slice(0, 2).reverse())).toEqual([1]);
  });

  it("are as many as there is of it, and no other beside an exclusive one", () => {
    expect(going([lock(1, 3)], waiter(1, [[1, 2]]), waiter(2, [[1, 1]]), waiter(3, [[1, 1]]))).toEqual([1, 2]);
    expect(going([lock(1, 3, hold(9, true))], waiter(1, [[1, 1]]))).toEqual([]);
    expect(going([lock(1, 3, hold(9))], waiter(1, [[1, "alone"]]))).toEqual([]);
  });

  it("is none behind a writer that waits for readers to end", () => {
    expect(going([lock(1, 9, hold(9))], waiter(1, [[1, "alone"]]), waiter(2, [[1, 1]]))).toEqual([]);
  });

  it("may be one behind a waiter that is short of another lock only", () => {
    const locks = [lock(1, 1), lock(2, 1, hold(9))];
    const blocked = waiter(1, [
      [1, "alone"],
      [2, "alone"],
    ]);
    expect(going(locks, blocked, waiter(2, [[1, "alone"]]), waiter(3, [[2, "alone"]]))).toEqual([2]);
  });

  describe("that is kept", () => {
    const both = waiter(1, [
      [1, "alone"],
      [2, "alone"],
    ]);
    const first = waiter(0, [[2, "alone"]]);
    const behind = waiter(2, [[1, "alone"]]);
    const locks = [lock(1, 1), lock(2, 1, hold(9))];
    const goingAt = (waitedS: number, ...waiters: LockWaiter[]) =>
      grantLocks(locks, waiters, both.since + waitedS).flatMap(({ waiter: { buildrequestid }, short }) =>
        short.length === 0 ? [buildrequestid] : [],
      );

    it("is for one that has waited for long for another lock, as the first there", () => {
      expect(goingAt(299, both, behind)).toEqual([2]);
      expect(goingAt(300, both, behind)).toEqual([]);
      expect(goingAt(300, first, both, behind)).toEqual([2]);
      expect(goingAt(300, both, { ...behind, priority: 1 })).toEqual([2]);
    });

    it("is not in the pauses, which become longer, nor from one that has locks or that a build waits for", () => {
      const minutes = [4, 5, 9, 10, 19, 20, 39, 40, 79, 80];
      expect(minutes.filter((minute) => goingAt(minute * 60, both, behind).length === 0)).toEqual([5, 9, 20, 39, 80]);
      expect(goingAt(300, both, { ...behind, goesOn: true })).toEqual([2]);
    });

    it("is enough for all that it waits for, however many come behind it", () => {
      // Of two locks one is always free and the other taken, and each waiter behind wants one of them.
      const holds = new Map([[2, 101]]);
      let ended = 0;
      for (let second = 0; second < 3600 && ended === 0; second += 10) {
        const younger = [1, 2].map((id) => waiter(1000 + second + id, [[id, "alone"]]));
        const states = [1, 2].map((id) => lock(id, 1, ...(holds.has(id) ? [hold(holds.get(id) as number)] : [])));
        for (const { waiter: one, short } of grantLocks(states, [both, ...younger], both.since + second)) {
          if (short.length > 0) continue;
          if (one === both) ended = second;
          for (const { lockid } of one.demands) holds.set(lockid, one.buildrequestid);
        }
        // The one that was taken first ends.
        holds.delete(second % 20 === 0 ? 2 : 1);
      }
      expect(ended).toBeGreaterThanOrEqual(300);
      expect(ended).toBeLessThan(330);
    });
  });

  it("is a step whose build has it", () => {
    const step = (kind: "alone" | number) => waiter(1, [[1, kind]], { stepid: 7 });
    expect(going([lock(1, 1, hold(1, true))], step("alone"))).toEqual([1]);
    expect(going([lock(1, 3, hold(1, false, 2))], step(2))).toEqual([1]);
    expect(going([lock(1, 3, hold(1, false, 2))], step("alone"))).toEqual([]);
  });

  it.each(["a", "b", "c", "d"])("is never one too many, and never one who overtakes (seed %s)", (seed) => {
    const random = createSeededRandom(seed);
    for (let round = 0; round < 60; round++) {
      const max = new Map([1, 2, 3].map((id) => [id, 1 + random.below(4)]));
      const locks = [...max].map(([id, most]) => lock(id, most));
      const waiters = Array.from({ length: 12 }, (_, i) => {
        const ids = [1, 2, 3].filter(() => random.below(2) === 0);
        const kind = (id: number) => (random.below(3) === 0 ? "alone" : 1 + random.below(max.get(id) as number));
        return waiter(
          i + 1,
          ids.map((id) => [id, kind(id)] as const),
          { priority: random.below(3), since: random.below(5) },
        );
      });
      const verdicts = grantLocks(locks, waiters);
      const left = new Map(max);
      const closed = new Set<number>();
      for (const { waiter: one, short } of verdicts) {
        const isFree = ({ lockid, exclusive, count }: LockWaiter["demands"][number]) =>
          !closed.has(lockid) &&
          (exclusive ? left.get(lockid) === max.get(lockid) : count <= (left.get(lockid) as number));
        // Whoever finds its locks free, in the order of rank, goes; it goes with all of them or none.
        if (short.length > 0) {
          expect(short).toEqual(one.demands.filter((demand) => !isFree(demand)).map(({ lockid }) => lockid));
          for (const lockid of short) closed.add(lockid);
          continue;
        }
        expect(one.demands.every(isFree)).toBe(true);
        for (const { lockid, exclusive, count } of one.demands)
          left.set(lockid, exclusive ? 0 : (left.get(lockid) as number) - count);
      }
      expect([...left.values()].every((rest) => rest >= 0)).toBe(true);
    }
  });
});
