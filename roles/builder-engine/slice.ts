import {
  type BuilderConfig,
  type BuildersSlice,
  ConfigProblems,
  checkBuilders,
  checkSealedPasswords,
  checkWorkerNames,
  checkWorkerTls,
  collect,
  expandLatentNames,
  type LoadedConfig,
  loadSealingKey,
  type WorkersSlice,
} from "@multimaster/config";
import { append, errors } from "@multimaster/core";
import { FetchedSecrets } from "./logs/fetched-secrets.ts";
import { createListSharing } from "./share-lists.ts";

/** A builder with the secrets of its set; builders that name the same workers have one list of them. */
export type EngineBuilder = BuilderConfig & {
  readonly secrets?: Readonly<Record<string, string>>;
  /** What fetches further secrets. */
  readonly fetchedSecrets?: FetchedSecrets | undefined;
};

/** What an engine loads of the config: its builder sets and the workers. */
export interface EngineSlice {
  readonly builders: readonly EngineBuilder[];
  readonly workers: WorkersSlice;
  /** Opens what the config seals of passwords. */
  readonly sealingKey?: Buffer | undefined;
}

/** Loads the selected builder sets and the workers, and nothing else; throws with the problems of both together. */
export async function loadEngineSlice(
  config: LoadedConfig,
  selection: { builderSets: readonly string[] | "all" },
): Promise<EngineSlice> {
  const { builderSets } = selection;
  const known = Object.keys(config.shared.builders);
  const unknown = builderSets === "all" ? undefined : builderSets.find((set) => !known.includes(set));
  if (unknown !== undefined) throw errors.unknownBuilderSet(unknown, known);

  const problems: string[] = [];
  let sets: ReadonlyMap<string, BuildersSlice> | undefined;
  let workers: WorkersSlice | undefined;
  await collect(problems, async () => (sets = await config.builders(builderSets)));
  await collect(problems, async () => (workers = await config.workers()));
  if (sets !== undefined) append(problems, checkBuilders(sets, workers, config.placeOf));
  if (workers !== undefined) {
    const place = config.placeOf("workers");
    append(problems, (await checkWorkerTls(workers, config.directory, place)).problems);
    append(problems, await checkSealedPasswords(workers, config.directory, place));
  }
  if (sets === undefined || workers === undefined || problems.length > 0) throw new ConfigProblems(problems);
  const named = workers;
  append(problems, checkWorkerNames(named, config.placeOf));
  if (problems.length > 0) throw new ConfigProblems(problems);
  const share = createListSharing();
  const byDefault = config.shared.collapseRequests;
  const builders = [...sets.values()].flatMap((set) => {
    const fetchedSecrets = FetchedSecrets.of(set.secretProviders, config.directory);
    return set.builders.map((builder) => ({
      ...builder,
      fetchedSecrets,
      workers: share(expandLatentNames(builder.workers, named)),
      secrets: set.secrets,
      collapseRequests: builder.collapseRequests ?? byDefault,
    }));
  });
  return { builders, workers, sealingKey: await loadSealingKey(workers, config.directory) };
}
