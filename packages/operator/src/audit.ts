import type { LoadedConfig } from "@multimaster/config";
import { type AuditOptions, type AuditReport, auditChecks, auditDatabase, chooseChecks } from "@multimaster/data";
import { withCluster } from "./with-cluster.ts";

export type { AuditOptions };

/** What an audit found, and of which database. */
export interface ClusterAudit extends AuditReport {
  database: string;
}

/** The checks that may be asked for. */
export const auditCheckIds: readonly string[] = auditChecks.map(({ id }) => id);

/** Audits the cluster that a config names, from its rows: it needs no running master, and disturbs none. */
export async function auditCluster(config: LoadedConfig, options: AuditOptions): Promise<ClusterAudit> {
  // A mistake is reported before the database is queried.
  chooseChecks(options.only);
  return withCluster(config, async (database) => ({
    database: database.describe,
    ...(await auditDatabase(database, options)),
  }));
}
