import { type Lease, writesDataVersion } from "@multimaster/cluster";
import { Results, type SourcedProperties } from "@multimaster/core";
import {
  type Connection,
  insertCollapsed,
  type LockedRequest,
  lockRequests,
  requestsAhead,
  saveRequestProperties,
  takeBestPlace,
} from "@multimaster/database";
import { endBuildsetsOf } from "./end-buildsets.ts";
import { endRequests } from "./end-requests.ts";
import type { Outcomes } from "./outcomes.ts";
import { claimToEnd } from "./request-claims.ts";
import { transition } from "./transition.ts";

/** Masters below this data version would build a survivor without what has collapsed into it. */
const mergedSince = 2;

/** Requests that are to be built by one of them. */
export interface Collapse {
  /** The newest one. It also builds the changes of the others. */
  readonly survivor: number;
  readonly collapsed: readonly number[];
  /** Properties that the survivor gets if one of `collapsed` ends: where they come of one of several, each needs a call of its own. */
  readonly properties?: SourcedProperties;
}

/**
 * Requests collapse into one: those of these that are still free end as SKIPPED, unless the survivor is not free any more.
 * One that builds a newer change than the survivor stays: a newer request may be for an older change.
 * Returns the ids of those that ended. Within a fenced transaction.
 *
 * All rows are locked first, in the order of their ids, and buildsets after that. A claim takes the same lock and leaves out
 * what is locked, so that a request is either claimed or collapsed.
 */
export async function collapseRequests(
  tx: Connection,
  lease: Lease,
  { survivor, collapsed, properties = {} }: Collapse,
): Promise<{ result: readonly number[]; outcomes: Outcomes }> {
  return transition(tx, async (t) => {
    if (!(await writesDataVersion(tx, mergedSince))) return [];
    const locked = await lockRequests(tx, [...new Set([survivor, ...collapsed])]);
    const into = locked.find(({ id }) => id === survivor);
    if (into === undefined || !isFree(into)) return [];
    const ahead = await requestsAhead(tx, survivor, collapsed);
    const ending: LockedRequest[] = [];
    for (const request of locked) {
      if (request === into || request.builderid !== into.builderid || !isFree(request) || ahead.has(request.id))
        continue;
      // A master of Buildbot claims without the lock of the row.
      if (await claimToEnd(t, request.id, lease.masterid)) ending.push(request);
    }
    if (ending.length === 0) return [];
    const ids = ending.map(({ id }) => id);
    await takeBestPlace(tx, survivor, [survivor, ...ids]);
    if (Object.keys(properties).length > 0) await saveRequestProperties(tx, survivor, properties);
    await insertCollapsed(tx, ids, survivor);
    await endBuildsetsOf(t, await endRequests(t, ending, Results.SKIPPED));
    return ids;
  });
}

const isFree = ({ complete, claimedBy, cancelled }: LockedRequest) => !complete && claimedBy === null && !cancelled;
