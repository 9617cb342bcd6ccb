import { append } from "@multimaster/core";
import { locksOfStep, usesOf } from "./check-locks.ts";
import { formatPath } from "./describe-issue.ts";
import { listSteps } from "./list-steps.ts";
import type { LockUseConfig } from "./locks.ts";
import type { PlaceOf } from "./place-of.ts";
import type { BuilderConfig, BuildersSlice } from "./slices/builders.ts";
import type { SchedulerSlice } from "./slices/scheduler.ts";

/** A lock that a build of the builder has while one of its steps waits. */
export interface HeldUse {
  readonly builder: BuilderConfig;
  readonly use: LockUseConfig;
}

/** A step that waits for builds, directly or because the builds for which it waits do. */
export interface LockWait {
  /** Of the step. */
  readonly place: string;
  readonly builder: BuilderConfig;
  /** What its own build has meanwhile. */
  readonly own: readonly HeldUse[];
  /** The same, and what the builds between have. */
  readonly held: readonly HeldUse[];
  /** Names of the builders from the one that it waits for to the last one. */
  readonly chain: readonly [string, ...string[]];
  readonly last: BuilderConfig;
  /** What a build of the last one needs, with its steps. */
  readonly wanted: readonly LockUseConfig[];
}

/** More chains than a config has; one that has more is not followed further. */
const mostWaits = 20_000;

/** Lists what steps wait for, as far as the config says it without a function: shorter chains first. */
export function listLockWaits(
  sets: ReadonlyMap<string, BuildersSlice>,
  scheduler: SchedulerSlice,
  placeOf: PlaceOf,
): LockWait[] {
  const builders = new Map([...sets.values()].flatMap((set) => set.builders.map((builder) => [builder.name, builder])));
  const triggered = new Map(
    scheduler.schedulers.map(({ plugin, options }) => [
      (options as { name: string }).name,
      plugin.builderNames?.(options) ?? [],
    ]),
  );
  const awaitsOf = (builder: BuilderConfig) => listAwaits(builder, triggered);
  const known = new Map([...builders.values()].map((builder) => [builder, awaitsOf(builder)]));
  const wantedOf = new Map([...builders.values()].map((builder) => [builder, listWanted(builder)]));
  const found: LockWait[] = [];
  for (const [set, slice] of sets)
    for (const [i, builder] of slice.builders.entries())
      for (const { path, held: own, names } of known.get(builder) ?? awaitsOf(builder)) {
        const place = `${placeOf(`builders.${set}`)}: builders[${i}].${path}`;
        append(found, follow({ place, builder, own }, names));
        if (found.length > mostWaits) return found;
      }
  return found;

  function follow(start: Pick<LockWait, "place" | "builder" | "own">, first: readonly string[]): LockWait[] {
    const waits: LockWait[] = [];
    const seen = new Set<string>();
    let open = first.map((name) => ({ chain: [name] as [string, ...string[]], held: start.own }));
    while (open.length > 0 && waits.length <= mostWaits) {
      const next: typeof open = [];
      for (const { chain, held } of open) {
        const last = builders.get(chain.at(-1) as string);
        const key = `${chain[0]} ${last?.name} ${held.map(({ builder, use }) => `${builder.name}/${use.lock.name}`).join()}`;
        if (last === undefined || seen.has(key)) continue;
        seen.add(key);
        waits.push({ ...start, held, chain, last, wanted: wantedOf.get(last) ?? [] });
        for (const further of known.get(last) ?? [])
          for (const name of further.names)
            if (!chain.includes(name)) next.push({ chain: [...chain, name], held: [...held, ...further.held] });
      }
      open = next;
    }
    return waits;
  }
}

/** The steps of a builder that wait for builds, with what a build has meanwhile. */
function listAwaits(builder: BuilderConfig, triggered: ReadonlyMap<string, readonly string[]>) {
  const steps = listSteps(builder);
  return steps.flatMap(({ path, step: { plugin, options } }) => {
    const names = [...new Set((plugin.awaits?.(options) ?? []).flatMap((name) => triggered.get(name) ?? []))];
    if (names.length === 0) return [];
    // A step that contains this one has its locks, too.
    const around = steps.filter((other) => other.path.every((part, i) => part === path[i]));
    const uses = strongest(
      [usesOf(builder.locks), ...around.map(({ step }) => usesOf(locksOfStep(step.options)))].flat(),
    );
    return [{ path: formatPath(path), names, held: uses.map((use) => ({ builder, use })) }];
  });
}

const listWanted = (builder: BuilderConfig) =>
  strongest([usesOf(builder.locks), ...listSteps(builder).map(({ step }) => usesOf(locksOfStep(step.options)))].flat());

/** Of each lock the use that needs most of it: a step has what its build has. */
function strongest(uses: readonly LockUseConfig[]): LockUseConfig[] {
  const most = new Map<string, LockUseConfig>();
  for (const use of uses) {
    const other = most.get(use.lock.name);
    if (other === undefined || use.mode === "exclusive" || (other.mode === "counting" && use.count > other.count))
      most.set(use.lock.name, use);
  }
  return [...most.values()];
}
