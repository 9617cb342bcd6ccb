import { locksOfStep, usesOf } from "./check-locks.ts";
import { formatPath } from "./describe-issue.ts";
import { listSteps } from "./list-steps.ts";
import type { LockUseConfig } from "./locks.ts";
import type { PlaceOf } from "./place-of.ts";
import type { BuilderConfig, BuildersSlice } from "./slices/builders.ts";
import type { SchedulerSlice } from "./slices/scheduler.ts";

/** Steps that wait for builds which need a lock that the step, or its own build, has meanwhile: neither would ever go on. */
export function checkAwaitedLocks(
  sets: ReadonlyMap<string, BuildersSlice>,
  scheduler: SchedulerSlice,
  placeOf: PlaceOf,
): string[] {
  const builders = new Map([...sets.values()].flatMap((set) => set.builders.map((builder) => [builder.name, builder])));
  const triggered = new Map(
    scheduler.schedulers.map(({ plugin, options }) => [
      (options as { name: string }).name,
      plugin.builderNames?.(options) ?? [],
    ]),
  );
  return [...sets].flatMap(([set, slice]) =>
    slice.builders.flatMap((builder, i) =>
      listSteps(builder).flatMap(({ path, step: { plugin, options } }) => {
        const held = [...usesOf(builder.locks), ...usesOf(locksOfStep(options))];
        const names = (plugin.awaits?.(options) ?? []).flatMap((name) => triggered.get(name) ?? []);
        return [...new Set(names)].flatMap((name) => {
          const wanted = findMissing(held, builders.get(name));
          return wanted === undefined
            ? []
            : [
                `${placeOf(`builders.${set}`)}: builders[${i}].${formatPath(path)}: waits for builds of "${name}", which need the lock "${wanted}" that this build has: they would wait for each other for ever`,
              ];
        });
      }),
    ),
  );
}

/** A lock of the cluster that a build of the builder needs, and cannot have beside these. */
function findMissing(held: readonly LockUseConfig[], builder: BuilderConfig | undefined): string | undefined {
  if (builder === undefined) return undefined;
  const wanted = [
    usesOf(builder.locks),
    ...listSteps(builder).map(({ step }) => usesOf(locksOfStep(step.options))),
  ].flat();
  return wanted.find((use) => held.some((other) => excludeEachOther(use, other)))?.lock.name;
}

function excludeEachOther(one: LockUseConfig, other: LockUseConfig): boolean {
  const { name, scope, max, resources } = one.lock;
  if (name !== other.lock.name || scope === "worker") return false;
  return one.mode === "exclusive" || other.mode === "exclusive" || one.count + other.count > (resources?.length ?? max);
}
