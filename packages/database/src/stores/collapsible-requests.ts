import { isRequestClaimable } from "../conditions.ts";
import type { Connection } from "../connection.ts";
import { queryRows } from "../dialect.ts";
import { readEach } from "./first-requests.ts";

/** Requests of a builder that are compared with each other: the newest ones. */
export const mostCompared = 500;

/** A request that may be claimed, and its builder. */
export interface PendingId {
  buildrequestid: number;
  builderid: number;
}

/** The newest requests of each builder that may be claimed; an index serves each select, however many wait. */
function newestOf(connection: Connection, builderids: readonly number[], each: number): Promise<PendingId[]> {
  const sql = `select * from (select r.id as buildrequestid, r.builderid from buildrequests r
      where r.builderid = ? and ${isRequestClaimable("r")} order by r.id desc limit ?) x`;
  return readEach<PendingId>(
    connection,
    builderids.map((id) => ({ sql, bindings: [id, each] })),
  );
}

/** Pending requests of builders that have more than one: the newest of each, and those of `also`; oldest first. */
export async function pendingIdsOf(
  connection: Connection,
  builderids: readonly number[],
  also: readonly number[] = [],
): Promise<PendingId[]> {
  const { dialect } = connection;
  const newest = await newestOf(connection, builderids, mostCompared);
  const known = new Set(newest.map(({ buildrequestid }) => buildrequestid));
  const missing = also.filter((id) => !known.has(id));
  const [named, wanted] = [dialect.isOneOf("r.id", missing), dialect.isOneOf("r.builderid", builderids)];
  const older =
    missing.length === 0
      ? []
      : await queryRows<PendingId>(
          connection,
          `select r.id as buildrequestid, r.builderid from buildrequests r
            where ${named.sql} and ${wanted.sql} and ${isRequestClaimable("r")}`,
          [...named.bindings, ...wanted.bindings],
        );
  const all = [...newest, ...older];
  const counts = new Map<number, number>();
  for (const { builderid } of all) counts.set(builderid, (counts.get(builderid) ?? 0) + 1);
  return all
    .filter(({ builderid }) => (counts.get(builderid) ?? 0) > 1)
    .sort((a, b) => a.buildrequestid - b.buildrequestid);
}

/** Requests of a builder that are counted. */
const mostCounted = 2;

/** How many requests of a builder may be claimed, if more than one: counting stops at two; and the newest of them. */
export interface PendingCount {
  builderid: number;
  pending: number;
  newest: number;
}

export async function countPending(connection: Connection, builderids: readonly number[]): Promise<PendingCount[]> {
  const counts = new Map<number, PendingCount>();
  for (const { builderid, buildrequestid } of await newestOf(connection, builderids, mostCounted)) {
    const { pending = 0, newest = 0 } = counts.get(builderid) ?? {};
    counts.set(builderid, { builderid, pending: pending + 1, newest: Math.max(newest, buildrequestid) });
  }
  return [...counts.values()].filter(({ pending }) => pending > 1);
}
