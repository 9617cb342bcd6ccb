import type { LoadedConfig } from "@multimaster/config";
import { createLog } from "@multimaster/core";
import { openDatabase, type UpgradeReport } from "@multimaster/database";
import { upgradeSchema } from "./upgrade-trail.ts";

/** Brings the database that a config names to this release; masters that run on it may go on. */
export async function upgradeClusterDatabase(config: LoadedConfig): Promise<UpgradeReport> {
  const database = await openDatabase(config.shared.database, { log: createLog({ level: "warn" }) });
  try {
    return await upgradeSchema(database);
  } finally {
    await database.close();
  }
}
