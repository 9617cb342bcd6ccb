import { existsSync } from "node:fs";
import type { LoadedConfig } from "@multimaster/config";
import { createLog, errors } from "@multimaster/core";
import { auditedActor, commandLineActor } from "@multimaster/data";
import {
  type CopiedRows,
  copyDatabase,
  insertAuditRow,
  openDatabase,
  parseDatabaseUrl,
  upgradeDatabase,
} from "@multimaster/database";
import { openCluster } from "./with-cluster.ts";

export interface CopyOptions {
  /** `sqlite:FILE`, or the file's path. */
  readonly from: string;
  onTable?(table: string, rows: number): void;
}

export interface DatabaseCopy {
  /** Both without their passwords. */
  readonly from: string;
  readonly to: string;
  readonly rows: CopiedRows;
}

/**
 * Copies a SQLite database into the PostgreSQL database that a config names, whole or not at all. The file stays as it is,
 * and no master can start on it meanwhile.
 */
export async function copyClusterDatabase({ shared }: LoadedConfig, options: CopyOptions): Promise<DatabaseCopy> {
  const source = parseDatabaseUrl(/^[a-z]+:/.test(options.from) ? options.from : `sqlite:${options.from}`);
  const target = parseDatabaseUrl(shared.database);
  if (source.engine !== "sqlite" || source.memory || target.engine !== "postgresql")
    throw errors.copyNeedsEngines(source.describe, target.describe);
  // SQLite would create it.
  if (!existsSync(source.file)) throw errors.copySourceMissing(source.file);
  const from = await openDatabase(source.url, { log: createLog({ level: "warn" }), exclusive: true });
  try {
    await upgradeDatabase(from);
    const to = await openCluster(shared, { check: async (database) => void (await upgradeDatabase(database)) });
    try {
      const rows = await copyDatabase(from, to, {
        onTable: options.onTable,
        finish: (tx, copied) =>
          insertAuditRow(tx, {
            ...auditedActor(commandLineActor()),
            action: "copy database",
            object: "database",
            outcome: "done",
            detail: `${countRows(copied)} rows from ${from.describe}`,
          }),
      });
      await to.sql.run("analyze");
      return { from: from.describe, to: to.describe, rows };
    } finally {
      await to.close();
    }
  } finally {
    await from.close();
  }
}

/** Of all tables. */
export function countRows(copied: CopiedRows): number {
  return Object.values(copied).reduce((sum, rows) => sum + rows, 0);
}
