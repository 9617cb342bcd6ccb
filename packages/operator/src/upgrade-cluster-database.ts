import type { LoadedConfig } from "@multimaster/config";
import { type Database, type UpgradeReport, upgradeBuildbotTables } from "@multimaster/database";
import { upgradeSchema } from "./upgrade-trail.ts";
import { withCluster } from "./with-cluster.ts";

/** Brings the database that a config names to this release; masters that run on it may go on. */
export async function upgradeClusterDatabase(config: LoadedConfig): Promise<UpgradeReport> {
  return withCluster(config, upgradeAll, { check: async () => {} });
}

/** Only here, where a user asks for it: an earlier Buildbot cannot use its database afterwards. */
async function upgradeAll(database: Database): Promise<UpgradeReport> {
  const from = await upgradeBuildbotTables(database);
  const report = await upgradeSchema(database);
  if (from === undefined) return report;
  return { ...report, from, applied: [`tables of Buildbot 4.3.0 (from ${from})`, ...report.applied] };
}
