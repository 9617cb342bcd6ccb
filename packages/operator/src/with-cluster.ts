import type { ClusterConfig, LoadedConfig } from "@multimaster/config";
import { createLog } from "@multimaster/core";
import { checkSchema, type Database, openDatabase } from "@multimaster/database";

export interface OpenOptions {
  /** What the schema must be like; default: as this release knows it. Throws a sentence otherwise. */
  check?(database: Database): Promise<void>;
  readonly poolSize?: number;
}

/** Opens the database of a cluster for commands that need no master; the caller closes it. */
export async function openCluster(
  { database: url }: Pick<ClusterConfig, "database">,
  { check = checkSchema, ...options }: OpenOptions = {},
): Promise<Database> {
  const database = await openDatabase(url, { log: createLog({ level: "warn" }), ...options });
  try {
    await check(database);
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** Opens the database of a config for one command, and closes it. */
export async function withCluster<T>(
  { shared }: LoadedConfig,
  work: (database: Database) => Promise<T>,
  options?: OpenOptions,
): Promise<T> {
  const database = await openCluster(shared, options);
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}
