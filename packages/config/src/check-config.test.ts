import { expect, it } from "vitest";
import { checkBuilders, checkScheduling } from "./check-config.ts";
import type { BuildersSlice } from "./slices/builders.ts";
import type { SchedulerSlice } from "./slices/scheduler.ts";
import type { WorkersSlice } from "./slices/workers.ts";

const farm = 300;
const names = Array.from({ length: farm }, (_, i) => `worker-${i}`);
const workers = { workers: names.map((name) => ({ name })), latent: [] } as unknown as WorkersSlice;

/** Builders that all name the same workers. */
function buildersOf(its: readonly string[]): ReadonlyMap<string, BuildersSlice> {
  const builders = Array.from({ length: 50 }, (_, i) => ({ name: `builder-${i}`, workers: its, locks: [], steps: [] }));
  return new Map([["all", { secrets: {}, builders } as unknown as BuildersSlice]]);
}

it("names some of the workers that there are, and how many more", () => {
  const [problem, ...others] = checkBuilders(buildersOf([...names, "missing"]), workers, (slice) => slice);
  expect(problem).toMatch(
    /^builders\.all: builders\[0\]\.workers: no worker "missing" \(have: worker-0, .*worker-99 and 200 more\)$/,
  );
  expect(others).toHaveLength(49);
});

it("names the place of a scheduler also when another one has its name", () => {
  const named = (name: string, upstreams: string[] = []) => ({
    plugin: { upstreams: () => upstreams },
    options: { name },
  });
  const schedulers = [named("same"), named("same"), named("after", ["nowhere"])];
  const slice = { schedulers, changeSources: [], reporters: [] } as unknown as SchedulerSlice;
  expect(checkScheduling(slice, (part) => part)).toEqual([
    'scheduler: schedulers[1].name: the scheduler "same" is already defined at scheduler: schedulers[0]',
    'scheduler: schedulers[2].upstream: no scheduler "nowhere" (have: same, after)',
  ]);
});
