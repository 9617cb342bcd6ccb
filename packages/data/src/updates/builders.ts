import { fencedTransaction, hasOtherReaders } from "@multimaster/cluster";
import {
  buildersOnlyHere,
  type Connection,
  findOrCreateNamed,
  findOrCreateWorkers,
  forgetBuilderOffers,
  lastBuildTimes,
  mirrorSomeWorkers,
  saveBuilderInfos,
  saveBuilderLimits,
  saveBuilderLossLimits,
  saveBuilderOffers,
  saveBuilderRules,
  setMasterBuilders,
} from "@multimaster/database";
import { builders as builderResource } from "../resources/builders.ts";
import { projects as projectResource } from "../resources/projects.ts";
import type { UpdateContext } from "./update-context.ts";

/** A builder as an engine has it in its config. */
export interface BuilderConfiguration {
  name: string;
  description: string | null;
  tags: readonly string[];
  project: string | null;
  /** Names of the workers that may run it. */
  workers: readonly string[];
  /** Maximum number of its builds at the same time on this master; null: any number. */
  maxBuilds?: number | null;
  /** Where it builds on a worker. */
  directory?: string;
  /** Deaths of engines after which a request is not built again; null: no limit. */
  maxEngineDeaths?: number | null;
  /** The same for losses with its worker, or with a master that was stopped immediately. */
  maxWorkerLosses?: number | null;
  /** How much of a worker's capacity one of its builds takes. */
  weight?: number;
  /** A function of the config is asked before one of its requests starts. */
  asks?: boolean;
}

/** What an engine writes about its builders. */
export interface BuilderUpdates {
  /**
   * Makes this master's set of builders exactly `builders` (fenced): rows of builders, tags, projects, builder_masters
   * and their workers, in one transaction. Resolves to the ids by name.
   */
  configure(builders: readonly BuilderConfiguration[]): Promise<ReadonlyMap<string, number>>;
  /**
   * Writes some of the rows of configured_workers that `configure` left out because they are many, if masters live that
   * read them (fenced). True: there may be more.
   */
  mirrorWorkers(): Promise<boolean>;
  /** When the last build of each of these builders began; those that were never built are left out. */
  lastBuilds(builderids: readonly number[]): Promise<ReadonlyMap<number, number>>;
  /** Ids of this master's builders that no other master would run now. */
  onlyHere(): Promise<number[]>;
}

export function createBuilderUpdates({ database, lease, events, track }: UpdateContext): BuilderUpdates {
  return {
    async configure(builders) {
      const done = await fencedTransaction(database, lease, (tx) => configureBuilders(tx, lease.masterid, builders));
      const { masterid } = lease;
      await track(events.of(projectResource).update(done.newProjects));
      await track(events.of(builderResource).stopped(done.stopped, { masterid }));
      await track(events.of(builderResource).started(done.started, { masterid }));
      await track(events.of(builderResource).update(done.changed));
      return done.ids;
    },
    async mirrorWorkers() {
      if (!(await hasOtherReaders(database, lease))) return false;
      return fencedTransaction(database, lease, (tx) => mirrorSomeWorkers(tx, lease.masterid));
    },
    lastBuilds: (builderids) => lastBuildTimes(database, builderids),
    onlyHere: () => buildersOnlyHere(database, lease.masterid),
  };
}

async function configureBuilders(tx: Connection, masterid: number, builders: readonly BuilderConfiguration[]) {
  const projectNames = builders.flatMap((builder) => builder.project ?? []);
  const projects = await findOrCreateNamed(tx, "projects", projectNames);
  const tags = await findOrCreateNamed(
    tx,
    "tags",
    builders.flatMap((builder) => builder.tags),
  );
  // Builders that have the same workers may share one list: what belongs to a list is found once.
  const lists = new Set(builders.map((builder) => builder.workers));
  const workers = await findOrCreateWorkers(tx, [...new Set([...lists].flat())]);
  const workeridsOf = new Map([...lists].map((list) => [list, list.map((name) => workers.get(name) as number)]));
  const { ids } = await findOrCreateNamed(
    tx,
    "builders",
    builders.map((builder) => builder.name),
  );
  const idOf = (builder: BuilderConfiguration) => ids.get(builder.name) as number;
  const changed = await saveBuilderInfos(
    tx,
    builders.map((builder) => ({
      builderid: idOf(builder),
      description: builder.description,
      projectid: builder.project === null ? null : (projects.ids.get(builder.project) as number),
      tagids: builder.tags.map((tag) => tags.ids.get(tag) as number),
    })),
  );
  const workersByBuilder = new Map(
    builders.map((builder) => [idOf(builder), workeridsOf.get(builder.workers) as readonly number[]]),
  );
  const places = await setMasterBuilders(tx, masterid, workersByBuilder);
  // An engine that takes its builders back leaves the rest: it counts only beside builder_masters, and is true again
  // when the engine comes back with the same config.
  if (builders.length > 0) await saveOffers(tx, masterid, builders, idOf);
  return { ids, ...places, changed, newProjects: projects.created.map((name) => projects.ids.get(name) as number) };
}

async function saveOffers(
  tx: Connection,
  masterid: number,
  builders: readonly BuilderConfiguration[],
  idOf: (builder: BuilderConfiguration) => number,
): Promise<void> {
  const offers = builders.flatMap((builder) =>
    builder.directory === undefined
      ? []
      : { builderid: idOf(builder), maxBuilds: builder.maxBuilds ?? null, directory: builder.directory },
  );
  await saveBuilderOffers(tx, masterid, offers);
  const limits = builders.flatMap(({ maxEngineDeaths, ...builder }) =>
    maxEngineDeaths === undefined ? [] : { builderid: idOf(builder), maxEngineDeaths },
  );
  await saveBuilderLimits(tx, masterid, limits);
  const lossLimits = builders.flatMap(({ maxWorkerLosses, ...builder }) =>
    maxWorkerLosses === undefined ? [] : { builderid: idOf(builder), maxWorkerLosses },
  );
  await saveBuilderLossLimits(tx, masterid, lossLimits);
  const rules = builders.map(({ weight = 1, asks = false, ...builder }) => ({
    builderid: idOf(builder),
    weight,
    asks,
  }));
  await saveBuilderRules(tx, masterid, rules);
  await forgetBuilderOffers(tx);
}
