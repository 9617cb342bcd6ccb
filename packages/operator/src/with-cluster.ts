import type { LoadedConfig } from "@multimaster/config";
import { createLog } from "@multimaster/core";
import { checkSchema, type Database, openDatabase } from "@multimaster/database";

/** Opens the database of a config for one command, and closes it. */
export async function withDatabase<T>(config: LoadedConfig, work: (database: Database) => Promise<T>): Promise<T> {
  const database = await openDatabase(config.shared.database, { log: createLog({ level: "warn" }) });
  try {
    await checkSchema(database);
    return await work(database);
  } finally {
    await database.close();
  }
}
