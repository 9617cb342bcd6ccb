import type { LoadedConfig } from "@multimaster/config";
import type { UpgradeReport } from "@multimaster/database";
import { upgradeSchema } from "./upgrade-trail.ts";
import { withCluster } from "./with-cluster.ts";

/** Brings the database that a config names to this release; masters that run on it may go on. */
export async function upgradeClusterDatabase(config: LoadedConfig): Promise<UpgradeReport> {
  return withCluster(config, upgradeSchema, { check: async () => {} });
}
