import { errors } from "@multimaster/core";
import { type Connection, queryRows } from "@multimaster/database";

/** What this release writes at most. Raised when rows change their meaning in a way that the release before cannot read. */
export const DATA_VERSION = 1;

/** The version to write: the lowest that a live master understands. Undefined when no master lives. */
export async function minimumDataVersion(connection: Connection): Promise<number | undefined> {
  const rows = await queryRows<{ version: number | null }>(
    connection,
    `select min(data_version) as version from mm_leases
     where buried_at is null and ended_at is null and expires_at > ${connection.dialect.now}`,
  );
  return rows[0]?.version ?? undefined;
}

/** Throws if the live masters already write what a master of this version could not read. */
export async function refuseOldRelease(connection: Connection, dataVersion: number): Promise<void> {
  const minimum = await minimumDataVersion(connection);
  if (minimum !== undefined && dataVersion < minimum) throw errors.releaseTooOld(dataVersion, minimum);
}
