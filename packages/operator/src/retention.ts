import { type LoadedConfig, retentionPlan } from "@multimaster/config";
import {
  dryRunRetention,
  findItems,
  type RetentionReport,
  type RetentionRunReport,
  retentionRuns,
} from "@multimaster/data";
import { withCluster } from "./with-cluster.ts";

/** Counts, from the rows, what the config's rules would delete now. Undefined: the config has no rules. */
export async function countDeletable(config: LoadedConfig): Promise<RetentionReport | undefined> {
  const slice = await config.scheduler();
  const plan = retentionPlan(slice);
  if (plan.rules.length === 0) return undefined;
  return withCluster(config, (database) => dryRunRetention(database, plan));
}

/** The newest run of retention; undefined: there was none. */
export function latestRetention(config: LoadedConfig): Promise<RetentionRunReport | undefined> {
  return withCluster(config, async (database) => {
    const found = await findItems(retentionRuns, database, { limit: 1 });
    return found?.rows[0] as RetentionRunReport | undefined;
  });
}
