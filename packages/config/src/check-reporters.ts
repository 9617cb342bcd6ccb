import type { PlaceOf } from "./place-of.ts";
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
