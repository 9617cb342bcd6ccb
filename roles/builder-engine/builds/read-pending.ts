import type { Data, PendingRequest } from "@multimaster/data";

/** Requests that are read of a builder of which the first requests of all show none. */
const leastOfBuilder = 12;

/**
 * The first pending requests of these builders, and in any case some of each: what stands in front may wait for something, while
 * requests of other builders can start.
 */
export async function readPending(data: Data, builderids: readonly number[], limit: number): Promise<PendingRequest[]> {
  const { buildrequests } = data.updates;
  const found = await buildrequests.pending(builderids, limit);
  if (found.length < limit) return found;
  const seen = new Set(found.map(({ builderid }) => builderid));
  const unseen = builderids.filter((id) => !seen.has(id));
  if (unseen.length === 0) return found;
  const behind = await buildrequests.firstOf(unseen, leastOfBuilder);
  return [...found, ...behind.toSorted(byRank)];
}

function byRank(a: PendingRequest, b: PendingRequest): number {
  return b.priority - a.priority || a.submittedAt - b.submittedAt || a.buildrequestid - b.buildrequestid;
}
