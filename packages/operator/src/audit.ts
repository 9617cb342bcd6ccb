import type { LoadedConfig } from "@multimaster/config";
import { createLog } from "@multimaster/core";
import { type AuditOptions, type AuditReport, auditChecks, auditDatabase, chooseChecks } from "@multimaster/data";
import { checkSchema, openDatabase } from "@multimaster/database";

export type { AuditOptions };

/** What an audit found, and of which database. */
export interface ClusterAudit extends AuditReport {
  database: string;
}

/** The checks that may be asked for. */
export const auditCheckIds: readonly string[] = auditChecks.map(({ id }) => id);

/** Audits the cluster that a config names, from its rows: it needs no running master, and disturbs none. */
export async function auditCluster(config: LoadedConfig, options: AuditOptions): Promise<ClusterAudit> {
  // A mistake is told before the database is asked.
  chooseChecks(options.only);
  const database = await openDatabase(config.shared.database, { log: createLog({ level: "warn" }) });
  try {
    await checkSchema(database);
    return { database: database.describe, ...(await auditDatabase(database, options)) };
  } finally {
    await database.close();
  }
}
