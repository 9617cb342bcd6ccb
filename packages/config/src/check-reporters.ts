import { fitsGlob } from "@multimaster/core";
import type { PlaceOf } from "./place-of.ts";
import type { BuildersSlice } from "./slices/builders.ts";
import type { SchedulerSlice } from "./slices/scheduler.ts";

/** Lets each reporter render its messages for sample builds: a broken template is found before it is needed. */
export async function checkReporters({ reporters }: SchedulerSlice, placeOf: PlaceOf): Promise<string[]> {
  const found = await Promise.all(
    reporters.map(async ({ plugin, options }, i) =>
      ((await plugin.check?.(options)) ?? []).map((problem) => `${placeOf("scheduler")}: reporters[${i}]${problem}`),
    ),
  );
  return found.flat();
}

/** What a reporter chooses by. */
interface Choice {
  readonly builders?: readonly string[];
  readonly tags?: readonly string[];
  readonly schedulers?: readonly string[];
}

/** Names that the cluster itself gives to what has no scheduler. */
const ownSchedulers = ["rebuild"];
const mostListed = 100;

/** Builders, tags and schedulers that a reporter names and that are not there: it would never report anything of them. */
export function checkReporterChoices(
  { reporters, schedulers }: SchedulerSlice,
  builders: ReadonlyMap<string, BuildersSlice>,
  placeOf: PlaceOf,
): string[] {
  const all = [...builders.values()].flatMap((set) => set.builders);
  const known = {
    builders: all.map(({ name }) => name),
    tags: [...new Set(all.flatMap(({ tags }) => tags ?? []))],
    schedulers: [...schedulers.map(({ options }) => (options as { name: string }).name), ...ownSchedulers],
  };
  return reporters.flatMap(({ options }, i) =>
    (["builders", "tags", "schedulers"] as const).flatMap((kind) =>
      ((options as Choice)[kind] ?? []).flatMap((wanted, n) => {
        const fits = (name: string) => (kind === "tags" ? name === wanted : fitsGlob(name, wanted));
        if (known[kind].some(fits)) return [];
        const have = known[kind].slice(0, mostListed).join(", ") || "none";
        const more = known[kind].length > mostListed ? ` and ${known[kind].length - mostListed} more` : "";
        const what = kind.slice(0, -1);
        return [
          `${placeOf("scheduler")}: reporters[${i}].${kind}[${n}]: no ${what} fits "${wanted}" (have: ${have}${more})`,
        ];
      }),
    ),
  );
}
