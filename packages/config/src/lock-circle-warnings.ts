import { append } from "@multimaster/core";
import { describeChain } from "./check-lock-waits.ts";
import { locksOfStep, usesOf } from "./check-locks.ts";
import { formatPath } from "./describe-issue.ts";
import { listSteps } from "./list-steps.ts";
import { listLockWaits } from "./lock-waits.ts";
import { type LockUseConfig, maxOf } from "./locks.ts";
import type { PlaceOf } from "./place-of.ts";
import type { BuilderConfig, BuildersSlice } from "./slices/builders.ts";
import type { SchedulerSlice } from "./slices/scheduler.ts";

/** A build has one lock, and goes on only after it, or a build that it waits for, has got another one. */
interface Dependency {
  readonly place: string;
  readonly builder: BuilderConfig;
  readonly held: LockUseConfig;
  readonly wanted: LockUseConfig;
  /** Names of the builders whose builds it waits for; without: a step of it wants the other lock. */
  readonly chain: readonly string[] | undefined;
}

/** More than a config has; of one that has more, the others are not checked. */
const mostDependencies = 5000;

/**
 * Circles over several locks in which a step waits for builds: one build has a lock and waits for builds that need another one, and
 * who has that waits for the first. It depends on what runs at the same time, so it is no error.
 */
export function warningsOfLockCircles(
  sets: ReadonlyMap<string, BuildersSlice>,
  scheduler: SchedulerSlice,
  placeOf: PlaceOf,
): string[] {
  const waits = listOfWaits(sets, scheduler, placeOf);
  if (waits.length === 0) return [];
  const byHeld = new Map<string, Dependency[]>();
  for (const one of [...waits, ...listOfSteps(sets, placeOf)].slice(0, mostDependencies)) {
    const { name } = one.held.lock;
    byHeld.set(name, [...(byHeld.get(name) ?? []), one]);
  }
  const reported = new Set<string>();
  return waits.slice(0, mostDependencies).flatMap((first) => {
    const circle = findCircle(first, byHeld);
    const key = circle.map(({ held }) => held.lock.name).sort();
    if (circle.length === 0 || reported.has(key.join("\n"))) return [];
    reported.add(key.join("\n"));
    return [describeCircle(circle)];
  });
}

function listOfWaits(
  sets: ReadonlyMap<string, BuildersSlice>,
  scheduler: SchedulerSlice,
  placeOf: PlaceOf,
): Dependency[] {
  return listLockWaits(sets, scheduler, placeOf).flatMap(({ place, builder, own, wanted, chain }) =>
    own.flatMap(({ use }) => pairOf(use, wanted).map((pair) => ({ place, builder, chain, ...pair }))),
  );
}

function listOfSteps(sets: ReadonlyMap<string, BuildersSlice>, placeOf: PlaceOf): Dependency[] {
  return [...sets].flatMap(([set, { builders }]) =>
    builders.flatMap((builder, i) =>
      listSteps(builder).flatMap(({ path, step }) => {
        const place = `${placeOf(`builders.${set}`)}: builders[${i}].${formatPath(path)}.locks`;
        return usesOf(builder.locks).flatMap((use) =>
          pairOf(use, usesOf(locksOfStep(step.options))).map((pair) => ({ place, builder, chain: undefined, ...pair })),
        );
      }),
    ),
  );
}

const isOfCluster = ({ lock }: LockUseConfig) => lock.scope === "cluster";

function pairOf(held: LockUseConfig, wanted: readonly LockUseConfig[]): Pick<Dependency, "held" | "wanted">[] {
  if (!isOfCluster(held)) return [];
  const others = wanted.filter((use) => isOfCluster(use) && use.lock.name !== held.lock.name);
  return others.map((use) => ({ held, wanted: use }));
}

/** The shortest circle from this one back to it; empty: there is none. */
function findCircle(first: Dependency, byHeld: ReadonlyMap<string, readonly Dependency[]>): readonly Dependency[] {
  const seen = new Set([first]);
  let open: (readonly Dependency[])[] = [[first]];
  while (open.length > 0) {
    const next: (readonly Dependency[])[] = [];
    for (const path of open) {
      const { wanted } = path.at(-1) as Dependency;
      if (path.length > 1 && wanted.lock.name === first.held.lock.name && excludes(first.held, wanted)) return path;
      const further = (byHeld.get(wanted.lock.name) ?? []).filter(
        (one) => !seen.has(one) && excludes(one.held, wanted) && path.every((other) => canRunBeside(one, other)),
      );
      for (const one of further) seen.add(one);
      append(
        next,
        further.map((one) => [...path, one]),
      );
    }
    open = next;
  }
  return [];
}

function excludes(held: LockUseConfig, wanted: LockUseConfig): boolean {
  return held.mode === "exclusive" || wanted.mode === "exclusive" || held.count + wanted.count > maxOf(held.lock, "");
}

/** Builds that need the same lock alone do not run at the same time. */
function canRunBeside(one: Dependency, other: Dependency): boolean {
  const others = usesOf(other.builder.locks);
  return !usesOf(one.builder.locks).some((use) => {
    const same = others.find(({ lock }) => lock.name === use.lock.name);
    return isOfCluster(use) && same !== undefined && excludes(use, same);
  });
}

function describeCircle(circle: readonly Dependency[]): string {
  const [first, ...others] = circle.map(({ place, builder, held, wanted, chain }) => {
    const having = `while a build of "${builder.name}" has the lock "${held.lock.name}", it`;
    const wants =
      chain === undefined
        ? `wants the lock "${wanted.lock.name}"`
        : `${describeChain(chain as readonly [string, ...string[]])} need the lock "${wanted.lock.name}"`;
    return { place, sentence: `${having} ${wants}` };
  });
  const rest = others.map(({ place, sentence }) => `${sentence} (${place})`).join(", and ");
  return `${first?.place}: ${first?.sentence}; ${rest}: running at the same time, they wait for each other for ever; take the locks in one order, or give these builders one more lock that each of them has alone`;
}
