import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import type { ClusterConfig } from "@multimaster/config";
import { errors, explainFileError, type Logger } from "@multimaster/core";
import {
  checkPrivileges,
  checkSchema,
  type Database,
  type OpenOptions,
  openDatabase,
  readSchemaState,
  upgradeDatabase,
} from "@multimaster/database";
import { upgradeSchema } from "@multimaster/operator/upgrade-trail";

/** Opens the cluster's database for a master. Embedded SQLite and empty databases get their tables immediately. */
export async function openClusterDatabase(
  shared: ClusterConfig,
  log: Logger,
  connections = shared.databaseConnections,
): Promise<Database> {
  await makeDirectory(shared.database);
  const database = await openDatabase(shared.database, { ...openOptions(shared, log, connections), exclusive: true });
  try {
    const { standing } = await readSchemaState(database);
    const embedded = shared.database.startsWith("sqlite:");
    if (standing === "empty" || (embedded && standing === "behind")) {
      // Tables in an empty database are no one's deed; an upgrade of what is there is.
      const { to, applied } = await (standing === "empty" ? upgradeDatabase(database) : upgradeSchema(database));
      if (applied.length > 0) log.info({ schema: to, applied }, "database upgraded");
    }
    await checkSchema(database);
    await checkPrivileges(database);
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** The same database for a role's thread: its own connections to what the main thread has opened and checked. */
export function openRoleDatabase(
  shared: ClusterConfig,
  log: Logger,
  { known, connections }: { known: Pick<Database, "pooling" | "exclusive">; connections: number },
): Promise<Database> {
  return openDatabase(shared.database, { ...openOptions(shared, log, connections), known });
}

function openOptions(shared: ClusterConfig, log: Logger, poolSize: number): OpenOptions {
  return {
    log,
    poolSize,
    sqliteConnections: 4,
    idleTransactionMs: Math.min(10_000, shared.lease / 2),
    answerMs: Math.max(20_000, 2 * shared.lease),
  };
}

async function makeDirectory(database: string): Promise<void> {
  if (!database.startsWith("sqlite:") || database === "sqlite::memory:") return;
  try {
    await mkdir(dirname(database.slice("sqlite:".length)), { recursive: true });
  } catch (error) {
    const why = explainFileError(error);
    throw why === undefined ? error : errors.databaseUnreachable(database, why, { cause: error });
  }
}
