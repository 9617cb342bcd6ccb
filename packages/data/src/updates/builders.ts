import { fencedTransaction, hasOtherReaders } from "@multimaster/cluster";
import {
  buildersOnlyHere,
  type Connection,
  findOrCreateNamed,
  findOrCreateWorkers,
  mirrorSomeWorkers,
  saveBuilderInfos,
  saveBuilderLimits,
  saveBuilderLossLimits,
  saveBuilderOffers,
  setMasterBuilders,
} from "@multimaster/database";
import type { BuilderConfiguration, BuilderUpdates } from "../contract/builders.ts";
import { builders as builderResource } from "../resources/builders.ts";
import { projects as projectResource } from "../resources/projects.ts";
import type { UpdateContext } from "./update-context.ts";

export function createBuilderUpdates({ database, lease, events, announce }: UpdateContext): BuilderUpdates {
  return {
    async configure(builders) {
      const done = await fencedTransaction(database, lease, (tx) => configureBuilders(tx, lease.masterid, builders));
      const { masterid } = lease;
      await announce(events.of(projectResource).update(done.newProjects));
      await announce(events.of(builderResource).stopped(done.stopped, { masterid }));
      await announce(events.of(builderResource).started(done.started, { masterid }));
      await announce(events.of(builderResource).update(done.changed));
      return done.ids;
    },
    async mirrorWorkers() {
      if (!(await hasOtherReaders(database, lease))) return false;
      return fencedTransaction(database, lease, (tx) => mirrorSomeWorkers(tx, lease.masterid));
    },
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
  const names = new Set<string>();
  for (const builder of builders) for (const worker of builder.workers) names.add(worker);
  const workers = await findOrCreateWorkers(tx, [...names]);
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
    builders.map((builder) => [idOf(builder), builder.workers.map((worker) => workers.get(worker) as number)]),
  );
  const places = await setMasterBuilders(tx, masterid, workersByBuilder);
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
  return { ids, ...places, changed, newProjects: projects.created.map((name) => projects.ids.get(name) as number) };
}
