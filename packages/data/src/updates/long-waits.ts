import { fencedTransaction } from "@multimaster/cluster";
import { deleteLongWaits, findLongWaits, holdReporter, insertLongWaits, type LongWait, truncateText } from "@multimaster/database";
import { insertOutboxEntries } from "@multimaster/lifecycle";
import { explainRequests } from "../waiting/explain-waiting.ts";
import type { Reason } from "../waiting/reasons.ts";
import type { Lost } from "./lost.ts";
import type { UpdateContext } from "./update-context.ts";

/** Reasons that one sentence has. */
const mostReasons = 5;

/**
 * Notes builders of which a request waits for longer than one of these times in seconds, with the reason (fenced; the claim
 * `reporterid` is checked): each once, until none of its requests waits so long any more. What is found is bounded however long the
 * queue is; the next call goes on.
 */
export async function noteLongWaits(
  { database, lease }: UpdateContext,
  reporterid: number,
  times: readonly number[],
): Promise<"done" | Lost> {
  const found: { readonly afterS: number; readonly waits: readonly LongWait[] }[] = [];
  for (const afterS of times) found.push({ afterS, waits: await findLongWaits(database, afterS) });
  const ids = found.flatMap(({ waits }) => waits.map(({ buildrequestid }) => buildrequestid));
  // Before the transaction: it reads what all engines and workers do.
  const reasons = ids.length === 0 ? new Map<number, Reason[]>() : await explainRequests(database, ids);
  return fencedTransaction(database, lease, async (tx) => {
    if (!(await holdReporter(tx, reporterid, lease.masterid))) return "lost";
    await deleteLongWaits(tx, times);
    for (const { afterS, waits } of found) {
      const fresh = await insertLongWaits(tx, afterS, waits);
      const entries = waits
        .filter(({ builderid }) => fresh.has(builderid))
        .map(({ buildrequestid, builderid, requests, waitedS }) => ({
          kind: "request-waiting" as const,
          objectid: buildrequestid,
          facts: { builderid, requests, waited: waitedS, after: afterS, reason: joinReasons(reasons.get(buildrequestid)) },
        }));
      if (entries.length > 0) await insertOutboxEntries(tx, entries);
    }
    return "done";
  });
}

function joinReasons(reasons: readonly Reason[] = []): string {
  const shown = reasons.slice(0, mostReasons).map(({ sentence }) => sentence);
  const more = reasons.length - shown.length;
  return truncateText(more > 0 ? `${shown.join(" ")} And ${more} more reasons.` : shown.join(" "), 2000);
}
