import { isDeepStrictEqual } from "node:util";
import { append } from "@multimaster/core";
import { formatPath } from "./describe-issue.ts";
import { listSteps } from "./list-steps.ts";
import { type LockOptions, type LockUseConfig, lockUses } from "./locks.ts";
import type { PlaceOf } from "./place-of.ts";
import type { BuilderConfig, BuildersSlice } from "./slices/builders.ts";

interface PlacedUses {
  readonly place: string;
  readonly uses: readonly LockUseConfig[];
}

/** What the config says without a function of the build. */
export function usesOf(locks: unknown): readonly LockUseConfig[] {
  const parsed = lockUses.safeParse(locks ?? []);
  return parsed.success ? parsed.data : [];
}

export const locksOfStep = (options: unknown): unknown => (options as { readonly locks?: unknown } | undefined)?.locks;

interface StepUses extends PlacedUses {
  /** From the builder. */
  readonly path: readonly PropertyKey[];
}

const stepsOf = (place: string, builder: BuilderConfig): StepUses[] =>
  listSteps(builder).map(({ path, step }) => ({
    place: `${place}.${formatPath(path)}.locks`,
    path,
    uses: usesOf(locksOfStep(step.options)),
  }));

/** Locks of one name that differ, and locks of builders and steps that would wait for each other in a circle. */
export function checkLocks(sets: ReadonlyMap<string, BuildersSlice>, placeOf: PlaceOf): string[] {
  const placed = [...sets].flatMap(([set, { builders }]) =>
    builders.map((builder, i) => {
      const place = `${placeOf(`builders.${set}`)}: builders[${i}]`;
      const ofBuilder = { place: `${place}.locks`, uses: usesOf(builder.locks) };
      return { ofBuilder, ofSteps: stepsOf(place, builder) };
    }),
  );
  return [
    ...findDifferent(placed.flatMap(({ ofBuilder, ofSteps }) => [ofBuilder, ...ofSteps])),
    ...placed.flatMap(({ ofBuilder, ofSteps }) => findStronger(ofBuilder, ofSteps)),
    ...placed.flatMap(({ ofBuilder, ofSteps }) => findInnerClashes(ofBuilder, ofSteps)),
    ...findCircles(placed),
  ];
}

const defined = new WeakMap<BuilderConfig, ReadonlyMap<string, LockOptions>>();

/** The locks that a builder and its steps use whatever the build, by name. */
export function locksDefinedBy(builder: BuilderConfig): ReadonlyMap<string, LockOptions> {
  let locks = defined.get(builder);
  if (locks === undefined) {
    const uses = [...usesOf(builder.locks), ...stepsOf("", builder).flatMap((step) => step.uses)];
    defined.set(builder, (locks = new Map(uses.map(({ lock }) => [lock.name, lock]))));
  }
  return locks;
}

/** Of locks that a function has named: what differs from the definition of the config, which counts for all others. */
export function findContradiction(
  uses: readonly LockUseConfig[],
  locks: ReadonlyMap<string, LockOptions>,
): string | undefined {
  for (const { lock } of uses) {
    const known = locks.get(lock.name);
    if (known === undefined || isDeepStrictEqual(known, lock)) continue;
    const options = [...new Set([...Object.keys(known), ...Object.keys(lock)])] as (keyof LockOptions)[];
    const different = options.filter((option) => !isDeepStrictEqual(known[option], lock[option]));
    return `the lock "${lock.name}" differs from the one of the config in ${different.join(" and ")}; define it once and import it`;
  }
  return undefined;
}

/** Limits of single workers that are not there. */
export function checkLimitedWorkers(
  sets: ReadonlyMap<string, BuildersSlice>,
  isKnown: (worker: string) => boolean,
  placeOf: PlaceOf,
): string[] {
  const seen = new Set<string>();
  const placed = [...sets].flatMap(([set, { builders }]) =>
    builders.flatMap((builder, i) => {
      const place = `${placeOf(`builders.${set}`)}: builders[${i}]`;
      return [{ place: `${place}.locks`, uses: usesOf(builder.locks) }, ...stepsOf(place, builder)];
    }),
  );
  return placed.flatMap(({ place, uses }) =>
    uses.flatMap(({ lock: { name, maxOfWorker } }) => {
      if (seen.has(name)) return [];
      seen.add(name);
      return Object.keys(maxOfWorker)
        .filter((worker) => !isKnown(worker))
        .map((worker) => `${place}: maxOfWorker of the lock "${name}": no worker "${worker}"`);
    }),
  );
}

function findDifferent(placed: readonly PlacedUses[]): string[] {
  const first = new Map<string, { place: string; lock: LockUseConfig["lock"] }>();
  return placed.flatMap(({ place, uses }) =>
    uses.flatMap(({ lock }) => {
      const other = first.get(lock.name);
      if (other === undefined) first.set(lock.name, { place, lock });
      if (other === undefined || isDeepStrictEqual(other.lock, lock)) return [];
      return [`${place}: the lock "${lock.name}" differs from the one at ${other.place}; define it once and import it`];
    }),
  );
}

/** A step that wants more of a lock than its build has would wait for its own build. */
function findStronger(ofBuilder: PlacedUses, ofSteps: readonly PlacedUses[]): string[] {
  return ofSteps.flatMap(({ place, uses }) =>
    uses.flatMap((wanted) => findStrongerUse(ofBuilder.uses, [wanted]) ?? []).map((problem) => `${place}: ${problem}`),
  );
}

/** Of the locks that a step wants: one of which its build has some, but less. */
export function findStrongerUse(
  ofBuild: readonly LockUseConfig[],
  wanted: readonly LockUseConfig[],
): string | undefined {
  for (const use of wanted) {
    const own = ofBuild.find(({ lock }) => lock.name === use.lock.name);
    if (own !== undefined && !covers(own, use))
      return `its build already has the lock "${use.lock.name}", but less of it: the step would wait for ever`;
  }
  return undefined;
}

/** A step inside another one is refused when it runs, if both have locks: it would wait for the step around it. */
function findInnerClashes(ofBuilder: PlacedUses, ofSteps: readonly StepUses[]): string[] {
  // A step has what its build has, and then takes nothing.
  const isOwn = (use: LockUseConfig) => ofBuilder.uses.some((other) => covers(other, use));
  const locking = ofSteps.filter(({ uses }) => uses.some((use) => !isOwn(use)));
  return ofSteps
    .filter(({ path, uses }) => uses.length > 0 && locking.some((outer) => isAround(outer.path, path)))
    .map(
      ({ place }) =>
        `${place}: the step around it has locks, too, and waits for it: put all locks on the one or on the other`,
    );
}

const isAround = (outer: readonly PropertyKey[], path: readonly PropertyKey[]) =>
  outer.length < path.length && outer.every((part, i) => part === path[i]);

function covers(own: LockUseConfig, { lock, mode, count }: LockUseConfig): boolean {
  return own.lock.name === lock.name && (own.mode === "exclusive" || (mode === "counting" && count <= own.count));
}

function findCircles(placed: readonly { ofBuilder: PlacedUses; ofSteps: readonly PlacedUses[] }[]): string[] {
  const after = new Map<string, Map<string, string>>();
  for (const { ofBuilder, ofSteps } of placed)
    for (const { lock: held } of ofBuilder.uses)
      for (const { place, uses } of ofSteps)
        for (const { lock } of uses)
          if (lock.name !== held.name) after.set(held.name, (after.get(held.name) ?? new Map()).set(lock.name, place));
  return [...after].flatMap(([held, wanted]) =>
    [...wanted].flatMap(([name, place]) =>
      reaches(name, held, after)
        ? [
            `${place}: "${name}" is taken while "${held}" is held, and elsewhere the other way round: builds could wait for each other for ever`,
          ]
        : [],
    ),
  );
}

function reaches(from: string, to: string, after: ReadonlyMap<string, ReadonlyMap<string, string>>): boolean {
  const seen = new Set<string>();
  const open = [from];
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    if (one === to) return true;
    if (seen.has(one)) continue;
    seen.add(one);
    append(open, [...(after.get(one)?.keys() ?? [])]);
  }
  return false;
}
