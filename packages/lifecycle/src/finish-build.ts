import type { Lease } from "@multimaster/cluster";
import { type Result, Results } from "@multimaster/core";
import { type Connection, getBuildState, lockRequest } from "@multimaster/database";
import { endBuilds } from "./end-builds.ts";
import { endRequest } from "./end-requests.ts";
import type { Outcomes } from "./outcomes.ts";
import { releaseRequest } from "./release-requests.ts";
import { countWorkerLoss, describeWorkerLosses, noteExhausted } from "./request-losses.ts";
import { transition } from "./transition.ts";

export interface BuildEnd {
  results: Result;
  state: string;
  /** It was lost with its worker, or released at once: losses after which the request is not built again; null: it always is. */
  maxWorkerLosses?: number | null;
}

/**
 * A build of this master ends, and everything above it: RETRY releases the request (unless it was cancelled), any other
 * result ends it, and the last request ends its buildset. Undefined if the build does not run here: nothing is written.
 */
export async function finishBuild(
  tx: Connection,
  lease: Lease,
  buildid: number,
  wanted: BuildEnd,
): Promise<{ result: BuildEnd | undefined; outcomes: Outcomes }> {
  const { masterid } = lease;
  return transition(tx, async (t) => {
    const build = await getBuildState(tx, buildid);
    if (!build || build.complete) return undefined;
    const request = await lockRequest(tx, build.buildrequestid);
    const isOurs = request && !request.complete && request.claimedBy === masterid;
    const end = isOurs && !request.cancelled ? await countLoss(tx, request.id, wanted) : wanted;
    if ((await endBuilds(t, masterid, tx.dialect.isOneOf("id", [buildid]), end)).length === 0) return undefined;
    if (!isOurs) return end;
    if (end.results === Results.RETRY) await releaseRequest(t, lease, request);
    else await endRequest(t, request, end.results);
    return end;
  });
}

/** A build that takes its worker down, makes it break the protocol, or stops its master would otherwise run again for ever. */
async function countLoss(tx: Connection, requestId: number, end: BuildEnd): Promise<BuildEnd> {
  const { maxWorkerLosses: max } = end;
  if (end.results !== Results.RETRY || max === undefined) return end;
  const losses = await countWorkerLoss(tx, requestId);
  if (max === null || losses < max) return end;
  const state = describeWorkerLosses(end.state, losses);
  await noteExhausted(tx, requestId, state);
  return { results: Results.EXCEPTION, state };
}
