import { type Lease, releaseAll, writesDataVersion } from "@multimaster/cluster";
import { append, Results } from "@multimaster/core";
import {
  type AdoptableBuild,
  type BuildProgress,
  type Connection,
  insertAdoptableBuilds,
  type LockedRequest,
  lockRequests,
  moveBuild,
  moveHolds,
  overdueAdoptableBuilds,
  queryRows,
  type RequestLosses,
  readAdoptableBuilds,
  readBuildProgress,
  readLosses,
  setBuildState,
  takeAdoptableBuild,
} from "@multimaster/database";
import { claimTableOf } from "./claim-tables.ts";
import { endBuilds } from "./end-builds.ts";
import { endRequest } from "./end-requests.ts";
import { endWithoutCleanUp, stopReasonOf } from "./lost-clean-up.ts";
import type { Outcomes } from "./outcomes.ts";
import { noteReleased } from "./release-claims.ts";
import { type Transition, transition } from "./transition.ts";

/** Masters below this data version would take a build that waits for an engine for one that was forgotten. */
const adoptableSince = 2;

/** A build that goes on at this master. */
export interface AdoptedBuild extends BuildProgress {
  readonly buildid: number;
  readonly buildrequestid: number;
  readonly commandId: string;
  /** The locks that it has from its beginning to its end. */
  readonly holdids: readonly number[];
  /** Of its request: how often builds of it were lost, and whether a running build waits for it. */
  readonly losses: RequestLosses;
}

/** Leaves those of these builds of a dead master that can be resumed for another to adopt; returns their ids. */
export async function leaveAdoptable(
  { tx, outcomes }: Transition,
  { masterid, name }: { readonly masterid: number; readonly name: string },
  buildids: readonly number[],
): Promise<readonly number[]> {
  if (buildids.length === 0 || !(await writesDataVersion(tx, adoptableSince))) return [];
  const left = await insertAdoptableBuilds(tx, masterid, buildids);
  for (const id of left)
    await setBuildState(tx, id, masterid, `master ${name} was lost; waiting for its worker to connect to another one`);
  append(outcomes.changedBuilds, left);
  return left;
}

/**
 * A build that waits for an engine becomes this master's, with the claim of its request. Undefined if it waits no more:
 * another master has adopted it, or it was given up. Within a fenced transaction.
 */
export async function adoptBuildOf(tx: Connection, lease: Lease, buildid: number): Promise<AdoptedBuild | undefined> {
  const [build] = await readAdoptableBuilds(tx, [buildid]);
  if (build === undefined) return undefined;
  const { buildrequestid, commandId } = build;
  const [request] = await lockRequests(tx, [buildrequestid]);
  if (!isWaiting(build, request)) return undefined;
  const progress = await readBuildProgress(tx, buildid);
  if (progress === undefined || !(await takeAdoptableBuild(tx, buildid))) return undefined;
  // The row says that it waits, and its request is locked: the rest belongs to it.
  if (!(await moveBuild(tx, build, lease)))
    throw new Error(`build ${buildid} cannot be adopted: its rows do not agree`);
  const holdids = await moveHolds(tx, build, lease);
  await setBuildState(tx, buildid, lease.masterid, "building");
  const losses = await readLosses(tx, buildrequestid);
  return { ...progress, buildid, buildrequestid, commandId, holdids, losses };
}

/** Builds that have waited for an engine for too long end as RETRY, or as they were asked to end meanwhile. */
export async function endUnadopted(tx: Connection): Promise<Outcomes> {
  return endAll(tx, await overdueAdoptableBuilds(tx), "and no engine has resumed its build in time");
}

/** The same of these builds, immediately: their worker is back, and they cannot be resumed. Within a fenced transaction. */
export async function giveUpAdoptable(tx: Connection, buildids: readonly number[]): Promise<Outcomes> {
  return endAll(tx, await readAdoptableBuilds(tx, buildids), "and its build could not be resumed");
}

async function endAll(tx: Connection, waiting: readonly AdoptableBuild[], why: string): Promise<Outcomes> {
  const { outcomes } = await transition(tx, async (t) => {
    // All of them before the first is ended: a transaction that may hold a buildset never waits for a request.
    const locked = await lockRequests(
      tx,
      waiting.map(({ buildrequestid }) => buildrequestid),
    );
    const requests = new Map(locked.map((request) => [request.id, request]));
    for (const build of waiting) {
      if (!(await takeAdoptableBuild(tx, build.buildid))) continue;
      await endOne(t, build, requests.get(build.buildrequestid), why);
    }
  });
  return outcomes;
}

async function endOne(
  t: Transition,
  build: AdoptableBuild,
  request: LockedRequest | undefined,
  why: string,
): Promise<void> {
  const { tx } = t;
  const { buildid, masterid } = build;
  const [facts] = await queryRows<{ name: string; asked: number; reason: string | null }>(
    tx,
    `select name, (select count(*) from mm_stop_requests s where s.buildid = ? and s.results <> ?) as asked,
       ${stopReasonOf("?", "?")} as reason from masters where id = ?`,
    [buildid, Results.RETRY, buildid, Results.RETRY, build.buildrequestid, masterid],
  );
  const isStopped = request?.cancelled === true || Number(facts?.asked) > 0;
  const lost = `master ${facts?.name ?? masterid} was lost`;
  const end = isStopped ? endWithoutCleanUp(lost, facts?.reason) : { results: Results.RETRY, state: `${lost}, ${why}` };
  await endBuilds(t, masterid, { sql: "id = ?", bindings: [buildid] }, end);
  if (!isWaiting(build, request)) return;
  if (isStopped) return endRequest(t, request, Results.CANCELLED);
  const released = await releaseAll(tx, masterid, claimTableOf("request"), [request.id]);
  noteReleased(t, "request", masterid, released);
}

/** Whether the request is still claimed by the master that had the build. */
function isWaiting(build: AdoptableBuild, request: LockedRequest | undefined): request is LockedRequest {
  return request !== undefined && !request.complete && request.claimedBy === build.masterid;
}
