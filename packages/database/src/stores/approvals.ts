import type { Connection } from "../connection.ts";
import { execute, insertIgnore, queryRows } from "../dialect.ts";
import { longest, truncateText } from "./column-text.ts";

/** A request whose build is not to begin before a user approves it. */
export interface WantedApproval {
  readonly buildrequestid: number;
  /** What is to be approved. */
  readonly subject: string;
  /** After how long the request ends if no one decides, in seconds; null: never. */
  readonly expiresInS: number | null;
}

/** Asks for approvals, each once, and returns the ids of the requests that are approved already. */
export async function askApprovals(tx: Connection, wanted: readonly WantedApproval[]): Promise<number[]> {
  const ids = wanted.map(({ buildrequestid }) => buildrequestid);
  const known = new Map((await readDecisions(tx, ids)).map((row) => [row.buildrequestid, row.decision]));
  const [{ now }] = (await queryRows<{ now: number }>(tx, `select ${tx.dialect.now} as now`)) as [{ now: number }];
  const rows = wanted
    .filter(({ buildrequestid }) => !known.has(buildrequestid))
    .map(({ buildrequestid, subject, expiresInS }) => ({
      buildrequestid,
      subject: truncateText(subject, longest.sentence),
      asked_at: now,
      expires_at: expiresInS === null ? null : now + expiresInS,
    }));
  if (rows.length > 0) await insertIgnore(tx, { table: "mm_approvals", rows, conflict: ["buildrequestid"] });
  return ids.filter((id) => known.get(id) === "approved");
}

/** What was decided of these requests; null: they wait. Those that were never asked about are left out. */
export function readDecisions(
  connection: Connection,
  ids: readonly number[],
): Promise<{ buildrequestid: number; decision: string | null }[]> {
  const wanted = connection.dialect.isOneOf("buildrequestid", ids);
  return queryRows(
    connection,
    `select buildrequestid, decision from mm_approvals where ${wanted.sql}`,
    wanted.bindings,
  );
}

export interface Decision {
  readonly decision: "approved" | "rejected" | "expired";
  readonly by: string | null;
  readonly reason: string | null;
}

/** Decides about a request that waits for approval; false: it does not wait. */
export async function decideApproval(
  tx: Connection,
  buildrequestid: number,
  { decision, by, reason }: Decision,
): Promise<boolean> {
  const fit = (text: string | null) => (text === null ? null : truncateText(text, longest.sentence));
  const changed = await execute(
    tx,
    `update mm_approvals set decision = ?, decided_by = ?, decided_at = ${tx.dialect.now}, reason = ?, expires_at = null
      where buildrequestid = ? and decision is null`,
    [decision, fit(by), fit(reason), buildrequestid],
  );
  return changed === 1;
}

/** Requests about which no one has decided in time. */
export async function expiredApprovals(connection: Connection): Promise<number[]> {
  const rows = await queryRows<{ id: number }>(
    connection,
    `select buildrequestid as id from mm_approvals where expires_at < ${connection.dialect.now} order by expires_at limit 100`,
  );
  return rows.map(({ id }) => id);
}

/** A source stamp of which no one can know what it builds. */
export interface LooseStamp {
  readonly branch: string;
  /** Empty: whatever is newest. */
  readonly revision: string;
}

/** The source stamps of a request that have no revision that stays the same, and how many have one. A patch fixes nothing: it is applied to whatever is there. */
export async function looseStamps(
  connection: Connection,
  buildrequestid: number,
): Promise<{ loose: LooseStamp[]; fixed: number }> {
  const rows = await queryRows<{ branch: string | null; revision: string | null }>(
    connection,
    `select s.branch, s.revision from buildrequests r join buildset_sourcestamps b on b.buildsetid = r.buildsetid
       join sourcestamps s on s.id = b.sourcestampid where r.id = ? order by b.id`,
    [buildrequestid],
  );
  const loose = rows
    .map(({ branch, revision }) => ({ branch: branch ?? "", revision: revision ?? "" }))
    .filter(({ revision }) => !isFixed(revision));
  return { loose, fixed: rows.length - loose.length };
}

/**
 * Whether a revision means the same code for ever: a whole hash, the twelve digits that Bitbucket Cloud's hooks say, or a
 * number of Subversion's. Any other one may be a branch, a tag, or the beginning of a hash that a later commit shares.
 */
function isFixed(revision: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{12}|\d+)$/i.test(revision);
}
