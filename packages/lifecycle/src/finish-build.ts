import type { Lease } from "@multimaster/cluster";
import { type Result, Results } from "@multimaster/core";
import {
  type Connection,
  countBuilds,
  countRetries,
  getBuildStates,
  lockRequestsOfBuilds,
  noteDelay,
  noteRetry,
} from "@multimaster/database";
import { endBuilds } from "./end-builds.ts";
import { endBuildsetsOf } from "./end-buildsets.ts";
import { endRequests } from "./end-requests.ts";
import { judgeWorkers, type WorkerVerdict } from "./judge-workers.ts";
import type { Outcomes } from "./outcomes.ts";
import { releaseRequest } from "./release-requests.ts";
import { countWorkerLoss, describeWorkerLosses, noteExhausted, timesOf } from "./request-losses.ts";
import { transition } from "./transition.ts";

export interface BuildEnd {
  results: Result;
  state: string;
  /** It was lost with its worker, or released immediately: losses after which the request is not built again; null: it always is. */
  maxWorkerLosses?: number | null;
  /** The rule by which its request is run again; of a lost build only how long it waits. */
  retry?: RetryByRule;
  /** One of its steps wants it to be run again: that is later after each build. */
  asksAgain?: boolean;
  /** What it says about its worker; absent: nothing. */
  worker?: WorkerVerdict;
}

/**
 * Builds of this master end, and everything above them: RETRY releases the request (unless it was cancelled), any other
 * result ends it, and the last request ends its buildset. Resolves to how each build ended; of one that does not run here
 * nothing is written, and it is not in the result.
 *
 * All requests are locked before the first of them ends, in the order of their ids, and buildsets after that: a transaction
 * that may hold a buildset, or share a request, never waits for a request.
 */
export async function finishBuilds(
  tx: Connection,
  lease: Lease,
  wanted: readonly { readonly buildid: number; readonly end: BuildEnd }[],
): Promise<{ result: ReadonlyMap<number, BuildEnd>; outcomes: Outcomes }> {
  const { masterid } = lease;
  return transition(tx, async (t) => {
    const ids = wanted.map(({ buildid }) => buildid);
    const [locked, builds] = await Promise.all([lockRequestsOfBuilds(tx, ids), getBuildStates(tx, ids)]);
    const running = builds.filter((build) => !build.complete && build.masterid === masterid);
    const requests = new Map(locked.map((request) => [request.id, request]));
    const given = new Map(wanted.map(({ buildid, end }) => [buildid, end]));
    const ending = [];
    for (const { buildid, buildrequestid, asked } of running) {
      const request = requests.get(buildrequestid);
      const isOurs = request !== undefined && !request.complete && request.claimedBy === masterid;
      const end = given.get(buildid) as BuildEnd;
      const counted =
        isOurs && !request.cancelled ? await applyRetry(tx, request.id, await countLoss(tx, request.id, end)) : end;
      ending.push({ buildid, end: counted, asked, request: isOurs ? request : undefined });
    }
    const result = new Map<number, BuildEnd>();
    for (const alike of groupAlike(ending, ({ end }) => `${end.results} ${end.state}`)) {
      const { end } = alike[0] as (typeof alike)[number];
      const which = tx.dialect.isOneOf(
        "id",
        alike.map(({ buildid }) => buildid),
      );
      const asked = alike.some((build) => build.asked);
      for (const id of await endBuilds(t, masterid, which, { ...end, asked })) result.set(id, end);
    }
    const ours = ending.flatMap(({ buildid, end, request }) =>
      request !== undefined && result.has(buildid) ? [{ request, results: end.results }] : [],
    );
    const over = ours.filter(({ results }) => results !== Results.RETRY);
    const buildsets: number[] = [];
    for (const alike of groupAlike(over, ({ results }) => String(results))) {
      const { results } = alike[0] as (typeof alike)[number];
      const which = alike.map(({ request }) => request);
      for (const id of await endRequests(t, which, results)) buildsets.push(id);
    }
    for (const { request, results } of ours) if (results === Results.RETRY) await releaseRequest(t, lease, request);
    await endBuildsetsOf(t, buildsets);
    await judgeWorkers(
      t,
      wanted.flatMap(({ buildid, end }) => (end.worker !== undefined && result.has(buildid) ? end.worker : [])),
    );
    return result;
  });
}

function groupAlike<T>(items: readonly T[], keyOf: (item: T) => string): Iterable<readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups.values();
}

/** A rule of the builder. */
export interface RetryByRule {
  readonly times: number;
  readonly delayS: number;
}

/** Between builds that ask to be run again. */
const longestDelayS = 300;
const mostDoublings = 10;

/** A build that ended by a failure of what it needs, and not of what it builds, is run again, but not for ever. */
async function applyRetry(tx: Connection, requestId: number, end: BuildEnd): Promise<BuildEnd> {
  const { retry, state } = end;
  if (end.results === Results.RETRY && end.asksAgain) {
    // From one second on, each time twice as long. Without this, a step that always asks keeps its worker and the database busy.
    const delayS = Math.min(longestDelayS, 2 ** ((await countBuilds(tx, requestId, mostDoublings)) - 1));
    await noteDelay(tx, requestId, delayS, `its last build ended with "${state}"`);
    return end;
  }
  if (retry === undefined) return end;
  if (end.results === Results.RETRY) {
    await noteDelay(tx, requestId, retry.delayS, `its last build ended with "${state}"`);
    return end;
  }
  const before = await countRetries(tx, requestId);
  if (before >= retry.times)
    return {
      ...end,
      state: `${state} (this request was run again ${timesOf(before)}, as often as "retry" of its builder allows)`,
    };
  const detail = `its last build ended with "${state}"; this is retry ${before + 1} of ${retry.times}`;
  await noteRetry(tx, requestId, { delayS: retry.delayS, detail });
  return { ...end, results: Results.RETRY, state: `${state} (retry ${before + 1} of ${retry.times})` };
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
