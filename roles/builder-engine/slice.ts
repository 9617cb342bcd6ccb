import type { BuilderConfig, LoadedConfig, WorkersSlice } from "@multimaster/config";
import { errors } from "@multimaster/core";

/** What an engine loads of the config: its builder sets and the workers. */
export interface EngineSlice {
  readonly builders: readonly BuilderConfig[];
  readonly workers: WorkersSlice;
}

/** Loads the selected builder sets and the workers, and nothing else. */
export async function loadEngineSlice(
  config: LoadedConfig,
  selection: { builderSets: readonly string[] | "all" },
): Promise<EngineSlice> {
  const [sets, workers] = await Promise.all([config.builders(selection.builderSets), config.workers()]);
  const problems: string[] = [];
  const setOf = new Map<string, string>();
  for (const [set, slice] of sets) {
    for (const { name } of slice.builders) {
      const other = setOf.get(name);
      if (other !== undefined)
        problems.push(
          `builders.${set}: the builder "${name}" is already in ${other === set ? "this set" : `the set "${other}"`}`,
        );
      setOf.set(name, set);
    }
  }
  if (problems.length > 0) throw errors.configInvalid(problems);
  return { builders: [...sets.values()].flatMap((slice) => slice.builders), workers };
}
