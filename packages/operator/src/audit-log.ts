import type { LoadedConfig } from "@multimaster/config";
import { type AuditEntry, auditEntries, type Filter, findItems } from "@multimaster/data";
import { withCluster } from "./with-cluster.ts";

export interface AuditLogQuery {
  /** Only entries of the last so many milliseconds. */
  readonly sinceMs?: number | undefined;
  /** Only of this identity or name. */
  readonly who?: string | undefined;
  readonly limit: number;
}

/** The newest entries of the audit trail, oldest first. */
export function readAuditLog(config: LoadedConfig, { sinceMs, who, limit }: AuditLogQuery): Promise<AuditEntry[]> {
  const since: Filter[] =
    sinceMs === undefined ? [] : [{ field: "at", operator: "ge", values: [Math.floor((Date.now() - sinceMs) / 1000)] }];
  const read = async (more: Filter[]) =>
    withCluster(config, async (database) => {
      const found = await findItems(auditEntries, database, {
        filters: [...since, ...more],
        order: ["-auditid"],
        limit,
      });
      return [...(found?.rows ?? [])].reverse() as AuditEntry[];
    });
  return (async () => {
    if (who === undefined) return read([]);
    const byIdentity = await read([{ field: "who", operator: "eq", values: [who] }]);
    const byName = await read([{ field: "name", operator: "eq", values: [who] }]);
    const all = new Map([...byIdentity, ...byName].map((entry) => [entry.auditid, entry]));
    return [...all.values()].sort((a, b) => a.auditid - b.auditid).slice(-limit);
  })();
}
