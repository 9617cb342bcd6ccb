import { append } from "@multimaster/core";
import { findSharedDirectories } from "./builddir.ts";
import { checkAwaitedLocks } from "./check-lock-waits.ts";
import { checkLimitedWorkers, checkLocks } from "./check-locks.ts";
import { checkOnMaster } from "./check-on-master.ts";
import { checkReporterChoices, checkReporters } from "./check-reporters.ts";
import { formatPath } from "./describe-issue.ts";
import { listSteps } from "./list-steps.ts";
import { ConfigProblems, collect, type LoadedConfig } from "./load-config.ts";
import { warningsOfLockCircles } from "./lock-circle-warnings.ts";
import { warningsOfAwaitedLocks } from "./lock-wait-warnings.ts";
import type { PlaceOf } from "./place-of.ts";
import { type RightParts, rightBuilders, rightScheduler, rightWorkers } from "./right-parts.ts";
import type { BuildersSlice } from "./slices/builders.ts";
import { instanceNames, latentOptionsOf } from "./slices/latent-workers.ts";
import type { SchedulerSlice } from "./slices/scheduler.ts";
import { checkLogin, type UiSlice } from "./slices/ui.ts";
import type { WorkersSlice } from "./slices/workers.ts";
import { checkSealedPasswords, checkUiSealingKey } from "./worker-passwords.ts";
import { checkWorkerTls } from "./worker-tls.ts";

/** A summary of a checked config. */
export interface ConfigSummary {
  builderSets: number;
  builders: number;
  workers: number;
  schedulers: number;
  changeSources: number;
  reporters: number;
  /** Risks that are not errors, each with file and path. */
  warnings: readonly string[];
}

/**
 * Loads every slice and checks them against each other; throws all problems in one error, by place. Of a slice with errors of
 * its own, the parts that are right are checked against the others.
 */
export async function checkConfig(config: LoadedConfig): Promise<ConfigSummary> {
  const problems: string[] = [];
  const { shared, placeOf } = config;

  async function read<Slice>(
    part: string,
    load: () => Promise<Slice>,
    mend: (given: unknown) => RightParts<Slice> | undefined,
  ): Promise<RightParts<Slice> | undefined> {
    let found: RightParts<Slice> | undefined;
    await collect(problems, async () => (found = { slice: await load(), isNamed: true, wrong: new Set() }));
    return found ?? mend(config.given(part));
  }

  const scheduling = shared.scheduler && (await read("scheduler", () => config.scheduler(), rightScheduler));
  const its = shared.workers && (await read("workers", () => config.workers(), rightWorkers));
  let ui: UiSlice | undefined;
  if (shared.ui) await collect(problems, async () => (ui = await config.ui()));
  const builders = new Map<string, BuildersSlice>();
  let setsNamed = true;
  for (const set of Object.keys(shared.builders)) {
    const load = async () => (await config.builders([set])).get(set) as BuildersSlice;
    const found = await read(`builders.${set}`, load, (given) => rightBuilders(given, set));
    if (found) builders.set(set, found.slice);
    setsNamed &&= found?.isNamed === true;
  }
  const scheduler = scheduling?.slice;
  const workers = its?.slice;
  const namesWorkers = its?.isNamed === true && !its.wrong.has("accounts");
  const namesSchedulers = scheduling ? scheduling.isNamed : !shared.scheduler;

  append(problems, checkBuilders(builders, namesWorkers ? workers : undefined, placeOf));
  if (ui) append(problems, checkLogin(ui, shared, placeOf));
  if (ui) append(problems, await checkUiSealingKey(ui, config.directory, placeOf("ui")));
  const tls = workers && (await checkWorkerTls(workers, config.directory, placeOf("workers")));
  if (tls) append(problems, tls.problems);
  if (workers && !its?.wrong.has("sealingKey"))
    append(problems, await checkSealedPasswords(workers, config.directory, placeOf("workers")));
  if (workers) append(problems, checkWorkerNames(workers, placeOf));
  if (scheduler) append(problems, checkScheduling(scheduler, placeOf, namesSchedulers));
  if (scheduler) append(problems, await checkReporters(scheduler, placeOf));
  if (scheduler && setsNamed) {
    append(problems, checkSchedulerBuilders(scheduler, builders, placeOf));
    if (namesSchedulers) append(problems, checkReporterChoices(scheduler, builders, placeOf));
  }
  append(problems, checkOnMaster(builders, shared.onMaster, placeOf));
  if (namesSchedulers) append(problems, checkTriggers(builders, scheduler, placeOf));
  const latent = new Set((workers?.latent ?? []).map((descriptor) => latentOptionsOf(descriptor).name));
  if (scheduler)
    append(
      problems,
      checkAwaitedLocks(builders, scheduler, placeOf, (worker) => !latent.has(worker)),
    );
  const waits = scheduler
    ? [
        ...warningsOfAwaitedLocks(builders, scheduler, workers, placeOf),
        ...warningsOfLockCircles(builders, scheduler, placeOf),
      ]
    : [];
  const warnings = [...config.warnings(), ...(tls?.warnings ?? []), ...waits];
  if (problems.length > 0) throw new ConfigProblems(problems.toSorted(byPlace), warnings);

  return {
    builderSets: builders.size,
    builders: [...builders.values()].reduce((sum, set) => sum + set.builders.length, 0),
    workers: (workers?.workers.length ?? 0) + (workers?.latent.length ?? 0),
    schedulers: scheduler?.schedulers.length ?? 0,
    changeSources: scheduler?.changeSources.length ?? 0,
    reporters: scheduler?.reporters.length ?? 0,
    warnings,
  };
}

/** By file and path, so that all that is wrong with one part stands together. */
const byPlace = new Intl.Collator("en", { numeric: true }).compare;

/** Builders of the same name, in whatever sets, and builders that name a worker that is not there. */
export function checkBuilders(
  sets: ReadonlyMap<string, BuildersSlice>,
  workers: WorkersSlice | undefined,
  placeOf: PlaceOf,
): string[] {
  const placed = [...sets].flatMap(([set, slice]) =>
    slice.builders.map((builder, i) => ({ place: `${placeOf(`builders.${set}`)}: builders[${i}]`, builder })),
  );
  const problems = checkPlacedNames(
    "builder",
    placed.map(({ place, builder }) => ({ place, name: builder.name })),
  );
  append(problems, findSharedDirectories(sets, placeOf).problems);
  append(problems, checkLocks(sets, placeOf));
  // Any other name may be that of a worker that is added at run time.
  if (!workers || workers.accounts) return problems;
  const names = [...workers.workers, ...workers.latent.map(latentOptionsOf)].map(({ name }) => name);
  const known = new Set(names);
  const instances = new Set(workers.latent.flatMap((descriptor) => instanceNames(latentOptionsOf(descriptor))));
  append(
    problems,
    checkLimitedWorkers(sets, (name) => known.has(name) || instances.has(name), placeOf),
  );
  const have = listSome(names);
  for (const { place, builder } of placed) {
    const missing = builder.workers.filter((name) => !known.has(name));
    append(
      problems,
      missing.map((name) => `${place}.workers: no worker "${name}" (${have})`),
    );
  }
  return problems;
}

/** Workers of the same name: latent workers, and what their instances are called, included. */
export function checkWorkerNames({ workers, latent }: WorkersSlice, placeOf: PlaceOf): string[] {
  const file = placeOf("workers");
  const placed = workers.map(({ name }, i) => ({ place: `${file}: workers[${i}]`, name }));
  const made = latent.flatMap((descriptor, i) => {
    const options = latentOptionsOf(descriptor);
    return [options.name, ...instanceNames(options)].map((name) => ({ place: `${file}: latent[${i}]`, name }));
  });
  return checkPlacedNames("worker", [...placed, ...made]);
}

/** Names of which a farm may have thousands: a config can name as many that are wrong. */
const mostListed = 100;

function listSome(names: readonly string[]): string {
  const more = names.length - mostListed;
  const shown = names.slice(0, mostListed).join(", ");
  return `have: ${shown || "none"}${more > 0 ? ` and ${more} more` : ""}`;
}

/**
 * Change sources and schedulers of the same name: names are what is claimed, so two of the same would be one. `isNamed`: the name
 * of each scheduler is known, so that an upstream that no one has is wrong.
 */
export function checkScheduling(
  { changeSources, schedulers, reporters }: SchedulerSlice,
  placeOf: PlaceOf,
  isNamed = true,
): string[] {
  const ownName = (options: unknown) => (options as { name: string }).name;
  const sources = changeSources.map(({ plugin, options }) => ({ name: plugin.nameOf?.(options) ?? ownName(options) }));
  const named = schedulers.map(({ options }) => ({ name: ownName(options) }));
  return [
    ...checkNames("change source", `${placeOf("scheduler")}: changeSources`, sources),
    ...checkNames(
      "reporter",
      `${placeOf("scheduler")}: reporters`,
      reporters.map(({ options }) => ({ name: ownName(options) })),
    ),
    ...checkNames("scheduler", `${placeOf("scheduler")}: schedulers`, named),
    ...checkUpstreams(schedulers, `${placeOf("scheduler")}: schedulers`, isNamed),
  ];
}

/** Schedulers that wait for one that is not there, or in a circle for themselves, which would build for ever. */
function checkUpstreams(schedulers: SchedulerSlice["schedulers"], list: string, isNamed: boolean): string[] {
  const waiting = schedulers.map(
    ({ plugin, options }) => [(options as { name: string }).name, plugin.upstreams?.(options) ?? []] as const,
  );
  const upstreams = new Map(waiting);
  const have = listSome([...upstreams.keys()]);
  return waiting.flatMap(([name, wanted], i) => [
    ...wanted
      .filter((one) => isNamed && !upstreams.has(one))
      .map((one) => `${list}[${i}].upstream: no scheduler "${one}" (${have})`),
    ...(waitsForItself(name, upstreams)
      ? [`${list}[${i}].upstream: "${name}" waits for itself, directly or through others: it would build for ever`]
      : []),
  ]);
}

function waitsForItself(name: string, upstreams: ReadonlyMap<string, readonly string[]>): boolean {
  const reached = new Set<string>();
  const open = [...(upstreams.get(name) ?? [])];
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    if (reached.has(one)) continue;
    reached.add(one);
    append(open, upstreams.get(one) ?? []);
  }
  return reached.has(name);
}

function checkNames(what: string, list: string, entries: readonly { name: string }[]): string[] {
  return checkPlacedNames(
    what,
    entries.map(({ name }, i) => ({ place: `${list}[${i}]`, name })),
  );
}

function checkPlacedNames(what: string, placed: readonly { place: string; name: string }[]): string[] {
  const first = new Map<string, string>();
  return placed.flatMap(({ place, name }) => {
    const other = first.get(name);
    if (other !== undefined) return [`${place}.name: the ${what} "${name}" is already defined at ${other}`];
    first.set(name, place);
    return [];
  });
}

function checkSchedulerBuilders(
  scheduler: SchedulerSlice,
  builders: ReadonlyMap<string, BuildersSlice>,
  placeOf: PlaceOf,
): string[] {
  const known = new Set([...builders.values()].flatMap((set) => set.builders.map(({ name }) => name)));
  const have = listSome([...known]);
  return scheduler.schedulers.flatMap(({ plugin, options }, i) =>
    (plugin.builderNames?.(options) ?? [])
      .filter((name) => !known.has(name))
      .map(
        (name) =>
          `${placeOf("scheduler")}: schedulers[${i}].${optionWith(options, name)}: no builder "${name}" (${have})`,
      ),
  );
}

/** The option that lists the name: mostly `builders`, and another one in some schedulers. */
function optionWith(options: unknown, name: string): string {
  const lists = Object.entries(options as object).filter(([, value]) => Array.isArray(value) && value.includes(name));
  return lists.find(([option]) => option !== "builders")?.[0] ?? "builders";
}

/** Steps that trigger what no scheduler is. */
function checkTriggers(
  builders: ReadonlyMap<string, BuildersSlice>,
  scheduler: SchedulerSlice | undefined,
  placeOf: PlaceOf,
): string[] {
  const known = (scheduler?.schedulers ?? [])
    .filter(({ plugin }) => plugin.triggerable)
    .map(({ options }) => (options as { name: string }).name);
  return [...builders].flatMap(([set, slice]) =>
    slice.builders.flatMap((builder, i) =>
      listSteps(builder).flatMap(({ path, step: { plugin, options } }) =>
        (plugin.triggers?.(options) ?? [])
          .filter((name) => !known.includes(name))
          .map(
            (name) =>
              `${placeOf(`builders.${set}`)}: builders[${i}].${formatPath(path)}: no triggerable scheduler "${name}" (have: ${known.join(", ") || "none"})`,
          ),
      ),
    ),
  );
}
