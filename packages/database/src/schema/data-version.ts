import { errors } from "@multimaster/core";
import { isLeaseOpen } from "../conditions.ts";
import type { Connection } from "../connection.ts";
import { queryRows } from "../dialect.ts";
import { markDataVersion } from "./ledger.ts";

/** Which forms of rows a release knows. */
export interface DataVersions {
  /** It reads this one and all that came after it. */
  readonly oldest: number;
  /** It writes this one, as soon as the whole cluster understands it. */
  readonly newest: number;
}

/**
 * What this release knows. `newest` is raised, by one in a release, when rows are to get a form that the release before
 * would misread; `oldest` when a contract migration has rewritten the rows of the versions below.
 *
 * 1: the first release. 2: masters that read `mm_data_version`.
 */
export const dataVersions: DataVersions = { oldest: 1, newest: 2 };

/** The version that the cluster writes. It only rises. */
export async function readDataVersion(connection: Connection): Promise<number> {
  const rows = await queryRows<{ version: number }>(connection, "select version from mm_data_version");
  return (rows[0] as { version: number }).version;
}

/** Throws a sentence unless a release that knows `known` reads and writes what the cluster writes. */
export function refuseDataVersion(version: number, known: DataVersions): void {
  if (version > known.newest) throw errors.releaseTooOld(known.newest, version);
  if (version < known.oldest) throw errors.releaseTooNew(known.oldest, known.newest, version);
}

/** Names of the masters that may still write and understand less than this version. */
export async function mastersBelow(connection: Connection, version: number): Promise<string[]> {
  const rows = await queryRows<{ name: string }>(
    connection,
    `select m.name from mm_leases l join masters m on m.id = l.masterid where ${isLeaseOpen("l")} and l.data_version < ? order by m.name`,
    [version],
  );
  return rows.map(({ name }) => name);
}

/** The version that all masters understand that may still write; undefined when there is none. */
export async function commonDataVersion(connection: Connection): Promise<number | undefined> {
  const rows = await queryRows<{ version: number | null }>(
    connection,
    `select min(l.data_version) as version from mm_leases l where ${isLeaseOpen("l")}`,
  );
  return rows[0]?.version ?? undefined;
}

/**
 * Lets the cluster write this version, if it is higher than the present one. The caller holds the lock "join" and has
 * seen that all masters understand it: a master that joins afterwards finds the new version.
 */
export async function raiseDataVersion(tx: Connection, version: number): Promise<void> {
  const raised = await queryRows(
    tx,
    `update mm_data_version set version = ?, raised_at = ${tx.dialect.now} where version < ? returning version`,
    [version, version],
  );
  if (raised.length > 0) await markDataVersion(tx, version);
}
