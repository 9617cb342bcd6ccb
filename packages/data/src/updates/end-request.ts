import { completeBuildsetOf } from "@multimaster/cluster";
import { append, type Result, Results } from "@multimaster/core";
import { type Connection, completeRequest, deleteClaim, type LockedRequest } from "@multimaster/database";
import { buildrequests } from "../resources/buildrequests.ts";
import { buildsets } from "../resources/buildsets.ts";
import type { UpdateContext } from "./update-context.ts";

/** What became of build requests in a transaction, to be published after its commit. */
export interface RequestOutcomes {
  claimed: number[];
  completed: number[];
  completedBuildsets: number[];
  /** Cancelled before any build of theirs ran. */
  cancelled: number[];
  unclaimed: number[];
}

export function noOutcomes(): RequestOutcomes {
  return { claimed: [], completed: [], completedBuildsets: [], cancelled: [], unclaimed: [] };
}

/** Completes a request, and its buildset when it was the last one. The caller holds the request's row. */
export async function endRequest(
  tx: Connection,
  request: { id: number; buildsetid: number },
  results: Result,
  outcomes: RequestOutcomes,
): Promise<void> {
  if (!(await completeRequest(tx, request.id, results))) return;
  outcomes.completed.push(request.id);
  append(outcomes.completedBuildsets, await completeBuildsetOf(tx, request.buildsetid));
}

/** Gives a request of this master back to everybody, unless it is not wanted any more. The caller holds its row. */
export async function freeRequest(
  tx: Connection,
  request: LockedRequest,
  masterid: number,
  outcomes: RequestOutcomes,
): Promise<void> {
  if (request.cancelled) await endRequest(tx, request, Results.CANCELLED, outcomes);
  else if (await deleteClaim(tx, request.id, masterid)) outcomes.unclaimed.push(request.id);
}

/** In the order in which Buildbot's masters tell it (spec/messages.md §4). */
export async function announceOutcomes({ events, announce }: UpdateContext, outcomes: RequestOutcomes): Promise<void> {
  await announce(events.of(buildrequests).claimed(outcomes.claimed));
  await announce(events.of(buildrequests).unclaimed(outcomes.unclaimed));
  await announce(events.of(buildrequests).complete(outcomes.completed));
  await announce(events.of(buildsets).complete(outcomes.completedBuildsets));
  await announce(events.of(buildrequests).cancel(outcomes.cancelled));
}
