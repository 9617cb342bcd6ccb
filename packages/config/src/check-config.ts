import { ConfigProblems, collect, type LoadedConfig } from "./load-config.ts";
import type { BuildersSlice } from "./slices/builders.ts";
import type { SchedulerSlice } from "./slices/scheduler.ts";
import type { WorkersSlice } from "./slices/workers.ts";

/** What a checked config holds, for a summary. */
export interface ConfigSummary {
  builderSets: number;
  builders: number;
  workers: number;
  schedulers: number;
  changeSources: number;
}

/** Loads every slice and checks them against each other; throws with all problems at once. */
export async function checkConfig(config: LoadedConfig): Promise<ConfigSummary> {
  const problems: string[] = [];
  let scheduler: SchedulerSlice | undefined;
  let workers: WorkersSlice | undefined;
  const builders = new Map<string, BuildersSlice>();
  const { shared } = config;

  if (shared.scheduler) await collect(problems, async () => (scheduler = await config.scheduler()));
  if (shared.workers) await collect(problems, async () => (workers = await config.workers()));
  if (shared.ui) await collect(problems, () => config.ui());
  let setsComplete = true;
  for (const set of Object.keys(shared.builders)) {
    const before = problems.length;
    await collect(problems, async () => {
      for (const [name, slice] of await config.builders([set])) builders.set(name, slice);
    });
    setsComplete &&= problems.length === before;
  }

  // A slice that is broken already said so; judging others against what is missing would only add noise.
  problems.push(...checkUniqueNames(builders, scheduler, workers));
  if (workers) problems.push(...checkBuilderWorkers(builders, workers));
  if (scheduler && setsComplete) problems.push(...checkSchedulerBuilders(scheduler, builders));
  if (problems.length > 0) throw new ConfigProblems(problems);

  return {
    builderSets: builders.size,
    builders: [...builders.values()].reduce((sum, set) => sum + set.builders.length, 0),
    workers: workers?.workers.length ?? 0,
    schedulers: scheduler?.schedulers.length ?? 0,
    changeSources: scheduler?.changeSources.length ?? 0,
  };
}

function checkUniqueNames(
  builders: ReadonlyMap<string, BuildersSlice>,
  scheduler: SchedulerSlice | undefined,
  workers: WorkersSlice | undefined,
): string[] {
  const problems: string[] = [];
  const check = (what: string, named: readonly { at: string; name: unknown }[]) => {
    const first = new Map<unknown, string>();
    for (const { at, name } of named) {
      const other = first.get(name);
      if (other !== undefined && name !== undefined)
        problems.push(`${at}.name: the ${what} "${String(name)}" is already defined at ${other}`);
      else first.set(name, at);
    }
  };
  check(
    "builder",
    [...builders].flatMap(([set, slice]) =>
      slice.builders.map(({ name }, i) => ({ at: `builders.${set}: builders[${i}]`, name })),
    ),
  );
  check("worker", workers?.workers.map(({ name }, i) => ({ at: `workers: workers[${i}]`, name })) ?? []);
  check(
    "scheduler",
    scheduler?.schedulers.map(({ options }, i) => ({
      at: `scheduler: schedulers[${i}]`,
      name: (options as { name?: unknown }).name,
    })) ?? [],
  );
  return problems;
}

function checkBuilderWorkers(builders: ReadonlyMap<string, BuildersSlice>, workers: WorkersSlice): string[] {
  const known = workers.workers.map(({ name }) => name);
  return [...builders].flatMap(([set, slice]) =>
    slice.builders.flatMap((builder, i) =>
      builder.workers
        .filter((name) => !known.includes(name))
        .map(
          (name) =>
            `builders.${set}: builders[${i}].workers: no worker "${name}" (have: ${known.join(", ") || "none"})`,
        ),
    ),
  );
}

function checkSchedulerBuilders(scheduler: SchedulerSlice, builders: ReadonlyMap<string, BuildersSlice>): string[] {
  const known = [...builders.values()].flatMap((set) => set.builders.map(({ name }) => name));
  return scheduler.schedulers.flatMap(({ plugin, options }, i) =>
    (plugin.builderNames?.(options) ?? [])
      .filter((name) => !known.includes(name))
      .map(
        (name) => `scheduler: schedulers[${i}].builders: no builder "${name}" (have: ${known.join(", ") || "none"})`,
      ),
  );
}
