import { fencedTransaction } from "@multimaster/cluster";
import {
  deleteLongWaits,
  findLongWaits,
  holdReporter,
  insertLongWaits,
  type LongWait,
  truncateText,
} from "@multimaster/database";
import { insertOutboxEntries } from "@multimaster/lifecycle";
import type { Lost } from "./lost.ts";
import type { UpdateContext } from "./update-context.ts";

/** Builders whose requests wait for longer than a time. */
export interface FoundWaits {
  /** Seconds. */
  readonly after: number;
  readonly waits: readonly LongWait[];
}

/** Builders of which requests wait for longer than one of these times in seconds, and of which this was not noted: a bounded number. */
export async function findNewWaits(
  { database }: UpdateContext,
  times: readonly number[],
): Promise<readonly FoundWaits[]> {
  const found: FoundWaits[] = [];
  for (const after of times) found.push({ after, waits: await findLongWaits(database, after) });
  return found;
}

/** Longest reason of a wait. */
const longestReason = 2000;

/**
 * Notes them, each once, until none of the builder's requests waits so long any more (fenced; the claim `reporterid` is checked).
 * `reasons` says by request why it waits.
 */
export function noteLongWaits(
  { database, lease }: UpdateContext,
  reporterid: number,
  found: readonly FoundWaits[],
  reasons: ReadonlyMap<number, string>,
): Promise<"done" | Lost> {
  return fencedTransaction(database, lease, async (tx) => {
    if (!(await holdReporter(tx, reporterid, lease.masterid))) return "lost";
    await deleteLongWaits(
      tx,
      found.map(({ after }) => after),
    );
    for (const { after, waits } of found) {
      const fresh = await insertLongWaits(tx, after, waits);
      const entries = waits
        .filter(({ builderid }) => fresh.has(builderid))
        .map(({ buildrequestid, builderid, requests, waitedS: waited }) => {
          const reason = truncateText(reasons.get(buildrequestid) ?? "", longestReason);
          const facts = { builderid, requests, waited, after, reason };
          return { kind: "request-waiting" as const, objectid: buildrequestid, facts };
        });
      if (entries.length > 0) await insertOutboxEntries(tx, entries);
    }
    return "done";
  });
}
