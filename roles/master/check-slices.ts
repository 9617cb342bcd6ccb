import { ConfigProblems, collect, type LoadedConfig } from "@multimaster/config";
import { selectRoles } from "./select-roles.ts";

/** What a master would load. */
export interface Duties {
  readonly roles: readonly string[];
  readonly builderSets: readonly string[] | "all";
}

/** Loads the slices that masters of these duties would load, and no others; throws with all problems together. */
export async function checkSlices(config: LoadedConfig, masters: readonly Duties[]): Promise<void> {
  const problems: string[] = [];
  for (const { roles, builderSets } of masters) {
    for (const role of await selectRoles(roles)) await collect(problems, () => role.loadSlice(config, { builderSets }));
  }
  if (problems.length > 0) throw new ConfigProblems([...new Set(problems)]);
}
