import { findLeast } from "@multimaster/core";
import { describeChain } from "./check-lock-waits.ts";
import { locksOfStep, usesOf } from "./check-locks.ts";
import { listSteps } from "./list-steps.ts";
import { type LockWait, listLockWaits } from "./lock-waits.ts";
import { type LockUseConfig, maxOf } from "./locks.ts";
import type { PlaceOf } from "./place-of.ts";
import type { BuilderConfig, BuildersSlice } from "./slices/builders.ts";
import type { SchedulerSlice } from "./slices/scheduler.ts";
import type { WorkersSlice } from "./slices/workers.ts";

/** Of a lock with more, it is not computed which builds together can take all of it. */
const largestMax = 500;

/** A build that has a part of a lock, and whose step waits for builds that need the same lock. */
interface PartHolder {
  readonly wait: LockWait;
  readonly count: number;
  /** Builds that exclude each other have the same group. */
  readonly group: string;
  /** How many of the group can run at the same time. */
  readonly limit: number;
}

/**
 * Steps that wait for builds which need a part of a lock, while their own build has another part: several such builds, or one and
 * a use that is larger, can take all of it, and then wait for each other. It depends on what runs at the same time.
 */
export function warningsOfAwaitedLocks(
  sets: ReadonlyMap<string, BuildersSlice>,
  scheduler: SchedulerSlice,
  workers: WorkersSlice | undefined,
  placeOf: PlaceOf,
): string[] {
  const waits = listLockWaits(sets, scheduler, placeOf);
  const builders = [...sets.values()].flatMap((set) => set.builders);
  const holders = new Map<string, PartHolder[]>();
  for (const wait of waits)
    for (const { lock } of wait.wanted) {
      if (lock.scope === "worker" || wait.own.every(({ use }) => use.lock.name !== lock.name)) continue;
      const held = wait.held.filter(({ use }) => use.lock.name === lock.name);
      if (held.some(({ use }) => use.mode === "exclusive")) continue;
      const count = held.reduce((sum, { use }) => sum + use.count, 0);
      const part = { wait, count, ...boundOf(wait, lock.name, workers) };
      holders.set(lock.name, [...(holders.get(lock.name) ?? []), part]);
    }
  return [...holders].flatMap(([name, parts]) => {
    const largest = findLargest(name, builders);
    const max = largest && maxOf(largest.use.lock, "");
    if (largest === undefined || max === undefined || max > largestMax) return [];
    const amount = largest.use.mode === "exclusive" ? max : largest.use.count;
    const together = findTogether(parts, max, amount);
    const [first] = together;
    if (first === undefined) return [];
    const names = [...new Set(together.map(({ wait }) => `"${wait.builder.name}"`))].join(" and ");
    const count = together.reduce((sum, one) => sum + one.count, 0);
    const builds = together.length === 1 ? `a build of ${names} has` : `${together.length} builds of ${names} have`;
    const wants = largest.use.mode === "exclusive" ? "it alone" : `${amount} of it`;
    return [
      `${first.wait.place}: ${describeChain(first.wait.chain)} need the lock "${name}" too: while ${builds} ${count} of its ${max}, a build of "${largest.builder.name}" that wants ${wants} waits for them, and those that they wait for wait behind it, for ever; let the waiting step's build not have this lock, or let fewer run at the same time by an exclusive lock`,
    ];
  });
}

/** The largest use of a lock anywhere. */
function findLargest(name: string, builders: readonly BuilderConfig[]) {
  let largest: { builder: BuilderConfig; use: LockUseConfig } | undefined;
  for (const builder of builders)
    for (const locks of [builder.locks, ...listSteps(builder).map(({ step }) => locksOfStep(step.options))])
      for (const use of usesOf(locks)) {
        if (use.lock.name !== name) continue;
        const isLarger =
          largest === undefined ||
          (largest.use.mode !== "exclusive" && (use.mode === "exclusive" || use.count > largest.use.count));
        if (isLarger) largest = { builder, use };
      }
  return largest;
}

/** How many builds like this can wait at the same time: others exclude each other by a lock, or have no worker. */
function boundOf(
  { own, builder }: LockWait,
  name: string,
  workers: WorkersSlice | undefined,
): Pick<PartHolder, "group" | "limit"> {
  const others = own.filter(({ use }) => use.lock.name !== name && use.lock.scope === "cluster");
  const gate = others.find(({ use }) => use.mode === "exclusive");
  if (gate) return { group: `lock ${gate.use.lock.name}`, limit: 1 };
  const [worker, ...more] = builder.workers;
  const one = workers?.workers.find((known) => known.name === worker);
  if (one && more.length === 0) return { group: `worker ${one.name}`, limit: one.maxBuilds };
  const limits = others.map(({ use }) => Math.floor(maxOf(use.lock, "") / use.count));
  return { group: `builder ${builder.name}`, limit: findLeast(limits, (limit) => limit) ?? Number.POSITIVE_INFINITY };
}

/** The fewest builds that together leave less of the lock than the amount; none: they always leave enough. */
function findTogether(parts: readonly PartHolder[], max: number, amount: number): readonly PartHolder[] {
  const groups = new Map<string, PartHolder[]>();
  for (const part of parts) groups.set(part.group, [...(groups.get(part.group) ?? []), part]);
  const sums = new Map<number, readonly PartHolder[]>([[0, []]]);
  for (const group of groups.values()) {
    const limit = Math.min(max, findLeast(group, (part) => part.limit) ?? max);
    for (let n = 0; n < limit; n++) {
      const before = sums.size;
      for (const [sum, together] of [...sums])
        for (const part of group)
          if (sum + part.count <= max && !sums.has(sum + part.count)) sums.set(sum + part.count, [...together, part]);
      if (sums.size === before) break;
    }
  }
  const short = [...sums].filter(([sum]) => sum > 0 && sum + amount > max);
  return short.toSorted(([, a], [, b]) => a.length - b.length)[0]?.[1] ?? [];
}
