import { type MasterEnd, releaseAll } from "@multimaster/cluster";
import { append, type Result, Results } from "@multimaster/core";
import {
  type Connection,
  claimantOf,
  execute,
  isRequestCancelled,
  queryRows,
  waitsForAdoption,
} from "@multimaster/database";
import { leaveAdoptable } from "./adopt-build.ts";
import { type Claimable, claimables, claimTableOf } from "./claim-tables.ts";
import { type BuildsEnd, endBuilds } from "./end-builds.ts";
import { endBuildsets } from "./end-buildsets.ts";
import { type EndingRequest, endRequests } from "./end-requests.ts";
import { endWithoutCleanUp, stopReasonOf } from "./lost-clean-up.ts";
import { noteUpgradeDone } from "./note-releases.ts";
import type { Outcomes } from "./outcomes.ts";
import { noteReleased } from "./release-claims.ts";
import { countMasterEnds, describeMasterEnds, type Exhausted, noteExhausted } from "./request-losses.ts";
import { type Transition, transition } from "./transition.ts";
import { type Departure, noteDepartures } from "./worker-absences.ts";

/** Why its workers left a master that is gone. */
const departures: Readonly<Record<MasterEnd, (name: string) => Departure>> = {
  death: (name) => ({ reason: "master_lost", detail: `master ${name} was lost` }),
  leave: (name) => ({ reason: "master_stopped", detail: `master ${name} was stopped` }),
};

interface GoneMaster {
  readonly masterid: number;
  readonly name: string;
  readonly end: MasterEnd;
}

interface RunningBuild {
  id: number;
  buildrequestid: number;
  cancelled: number;
  /** Why it was asked to stop. */
  reason: string | null;
}

interface ClaimedRequest {
  id: number;
  cancelled: number;
  /** Results of its newest build, null while that runs or when there is none. */
  results: number | null;
}

/**
 * Releases everything that a master which is gone had, in the transaction that ends it: its running builds end, their
 * requests are free for others, and no claim of it remains.
 *
 * Its end is counted for the requests whose builds ran on it (docs/faults.md): a death more seriously than an orderly
 * end, at which builds run only if they could not be released before.
 */
export async function releaseEverythingOf(
  tx: Connection,
  { masterid, name }: { readonly masterid: number; readonly name: string },
  end: MasterEnd,
): Promise<Outcomes> {
  const { outcomes } = await transition(tx, async (t) => {
    const claimed = await lockClaimedRequests(tx, masterid);
    const running = await readRunningBuilds(tx, masterid);
    const exhausted = await countEnd(tx, end, masterid, claimed, running);
    const left = end === "death" ? await leaveBuilds(t, { masterid, name }, running, claimed, exhausted) : nothing;
    const builds = running.filter(({ id }) => !left.builds.has(id));
    const lease = end === "death" ? await readLease(tx, masterid) : undefined;
    // Before what follows from it: a reporter that gets all of it hears of the cause first.
    if (end === "death")
      t.record("master-evicted", masterid, {
        name,
        roles: lease?.roles ?? [],
        builds: builds.length,
        left: left.builds.size,
        requests: claimed.length,
      });
    const requests = claimed.filter(({ id }) => !left.requests.has(id));
    await endRunningBuilds(t, { masterid, name, end }, builds, exhausted);
    const ended = await endClaimedRequests(t, requests, builds, exhausted);
    for (const kind of claimables) {
      const released = await releaseKind(tx, masterid, kind, requests);
      noteReleased(t, kind, masterid, released);
      if (kind === "worker") await noteDepartures(t, masterid, released, departures[end](name), lease?.lostAt);
    }
    await stopBuilders(t, masterid);
    // Also those that others still seem to have requests in: these may be ended at this moment, and who locks last sees all.
    await endBuildsets(t, [...new Set([...ended, ...(await findEndedBuildsets(tx, masterid))])]);
    t.outcomes.goneMasters.push(masterid);
    await noteUpgradeDone(t, { masterid, name });
  });
  return outcomes;
}

/** What the lease of a dead master says; it was lost before the eviction. Undefined: a master of Buildbot. */
async function readLease(tx: Connection, masterid: number): Promise<{ lostAt: number; roles: string[] } | undefined> {
  const sql = "select expires_at as at, roles from mm_leases where masterid = ?";
  const [row] = await queryRows<{ at: number; roles: string }>(tx, sql, [masterid]);
  return row && { lostAt: row.at, roles: JSON.parse(row.roles) as string[] };
}

function lockClaimedRequests(tx: Connection, masterid: number): Promise<ClaimedRequest[]> {
  return queryRows<ClaimedRequest>(
    tx,
    `select br.id,
       case when ${isRequestCancelled("br")} then 1 else 0 end as cancelled,
       (select b.results from builds b where b.buildrequestid = br.id order by b.id desc limit 1) as results
     from buildrequests br
     where br.complete = 0 and ${claimantOf("br")} = ? and not ${waitsForAdoption("br")}
     order by br.id${tx.dialect.noKeyUpdateLock}`,
    [masterid],
  );
}

interface LeftBuilds {
  readonly builds: ReadonlySet<number>;
  readonly requests: ReadonlySet<number>;
}

const nothing: LeftBuilds = { builds: new Set(), requests: new Set() };

/** Builds that go on: their worker runs their command, and another engine may adopt them. Their requests stay claimed. */
async function leaveBuilds(
  t: Transition,
  master: { readonly masterid: number; readonly name: string },
  running: readonly RunningBuild[],
  claimed: readonly ClaimedRequest[],
  exhausted: Exhausted,
): Promise<LeftBuilds> {
  const wanted = new Set(claimed.filter(({ cancelled }) => cancelled === 0).map(({ id }) => id));
  const among = running.filter(
    ({ cancelled, buildrequestid: id }) => cancelled === 0 && wanted.has(id) && !exhausted.has(id),
  );
  const ids = among.map(({ id }) => id);
  const left = new Set(await leaveAdoptable(t, master, ids));
  const requests = among.filter(({ id }) => left.has(id)).map(({ buildrequestid }) => buildrequestid);
  return { builds: left, requests: new Set(requests) };
}

/** Releases all that the master has of one kind. Beside its open requests it has the claims of all that it ever built. */
function releaseKind(
  tx: Connection,
  masterid: number,
  kind: Claimable,
  requests: readonly ClaimedRequest[],
): Promise<number[]> {
  const among = kind === "request" ? requests.map(({ id }) => id) : undefined;
  return releaseAll(tx, masterid, claimTableOf(kind), among);
}

/** A build that was asked to stop ends as it was asked to, unless it was only to stop here and to run again. */
function readRunningBuilds(tx: Connection, masterid: number): Promise<RunningBuild[]> {
  return queryRows<RunningBuild>(
    tx,
    `select b.id, b.buildrequestid,
       case when exists (select 1 from mm_cancellations c where c.buildrequestid = b.buildrequestid)
              or exists (select 1 from mm_stop_requests s where s.buildid = b.id and s.results <> ?)
            then 1 else 0 end as cancelled,
       ${stopReasonOf("b.id", "b.buildrequestid")} as reason
     from builds b where ${tx.dialect.inOrder("b.masterid")} = ? and b.complete_at is null
       and not exists (select 1 from mm_adoptable_builds a where a.buildid = b.id) order by b.id`,
    [Results.RETRY, Results.RETRY, masterid],
  );
}

/** Requests whose build ran here and would be run again. One that ended, and whose end only is missing, is none. */
function countEnd(
  tx: Connection,
  end: MasterEnd,
  masterid: number,
  requests: readonly ClaimedRequest[],
  builds: readonly RunningBuild[],
): Promise<Exhausted> {
  const running = new Set(builds.filter((build) => build.cancelled === 0).map((build) => build.buildrequestid));
  const retried = requests.filter((request) => running.has(request.id) && outcomeOf(request, false) === undefined);
  return countMasterEnds(
    tx,
    end,
    masterid,
    retried.map((request) => request.id),
  );
}

/** The builds with how they end. Those that were stopped or ran too often end one by one: the state of each says why. */
function endsOf(
  { name, end }: GoneMaster,
  builds: readonly RunningBuild[],
  exhausted: Exhausted,
): (BuildsEnd & { ids: readonly number[] })[] {
  const idsOf = (wanted: (build: RunningBuild) => boolean) => builds.filter(wanted).map(({ id }) => id);
  const isLast = (build: RunningBuild) => build.cancelled === 0 && exhausted.has(build.buildrequestid);
  const retried = idsOf((build) => build.cancelled === 0 && !isLast(build));
  return [
    { results: Results.RETRY, state: `master ${name} was lost`, ids: retried },
    ...builds
      .filter((build) => build.cancelled === 1)
      .map(({ id, reason }) => ({
        ...endWithoutCleanUp(`master ${name} was ${end === "death" ? "lost" : "stopped"}`, reason),
        ids: [id],
      })),
    ...builds.filter(isLast).map(({ id, buildrequestid }) => {
      const state = describeMasterEnds(end, name, exhausted.get(buildrequestid) ?? 0);
      return { results: Results.EXCEPTION, state, ids: [id] };
    }),
  ].filter(({ ids }) => ids.length > 0);
}

async function endRunningBuilds(
  t: Transition,
  master: GoneMaster,
  builds: readonly RunningBuild[],
  exhausted: Exhausted,
): Promise<void> {
  for (const { ids, ...end } of endsOf(master, builds, exhausted))
    await endBuilds(t, master.masterid, t.tx.dialect.isOneOf("id", ids), end);
  for (const [requestId, count] of exhausted)
    await noteExhausted(t.tx, requestId, describeMasterEnds(master.end, master.name, count));
}

/** Ends those of the requests that are not to run again; returns their buildsets. */
async function endClaimedRequests(
  t: Transition,
  requests: readonly ClaimedRequest[],
  builds: readonly RunningBuild[],
  exhausted: Exhausted,
): Promise<number[]> {
  const stopped = new Set(builds.filter((build) => build.cancelled === 1).map((build) => build.buildrequestid));
  const byResults = new Map<Result, EndingRequest[]>();
  for (const request of requests) {
    const results = exhausted.has(request.id) ? Results.EXCEPTION : outcomeOf(request, stopped.has(request.id));
    const ending = { id: request.id, cancelled: request.cancelled === 1 };
    if (results !== undefined) byResults.set(results, [...(byResults.get(results) ?? []), ending]);
  }
  const buildsets: number[] = [];
  for (const [results, ending] of byResults) append(buildsets, await endRequests(t, ending, results));
  return buildsets;
}

/** How a claimed request ends now; undefined if it is to run again. */
function outcomeOf(request: ClaimedRequest, stopped: boolean): Result | undefined {
  // Its build had ended, and the master died before the request did: building it again would run it twice.
  if (request.results !== null && request.results !== Results.RETRY) return request.results as Result;
  return request.cancelled === 1 || stopped ? Results.CANCELLED : undefined;
}

/** Buildsets of this master's requests that nothing keeps open, also those that it left so before it died. */
function findEndedBuildsets(tx: Connection, masterid: number): Promise<number[]> {
  return idsOf(
    tx,
    `select bs.id from buildsets bs where bs.complete = 0
       and not exists (select 1 from buildrequests br where br.buildsetid = bs.id and br.complete = 0)
       and exists (select 1 from buildrequests br where br.buildsetid = bs.id and ${claimantOf("br")} = ?)`,
    [masterid],
  );
}

/** The builders that the master had, with the workers configured for them. */
async function stopBuilders({ tx, outcomes }: Transition, masterid: number): Promise<void> {
  // Explicitly, not by cascade: the rows may have been made by a Buildbot master on SQLite, without enforced references.
  for (const table of ["configured_workers", "mm_builder_workers"]) {
    await execute(
      tx,
      `delete from ${table} where buildermasterid in (select id from builder_masters where masterid = ?)`,
      [masterid],
    );
  }
  const stopped = await idsOf(tx, "delete from builder_masters where masterid = ? returning builderid as id", [
    masterid,
  ]);
  append(
    outcomes.stoppedBuilders,
    stopped.map((builderid) => ({ builderid, masterid })),
  );
}

async function idsOf(tx: Connection, sql: string, bindings: readonly unknown[]): Promise<number[]> {
  return (await queryRows<{ id: number }>(tx, sql, bindings)).map((row) => row.id).sort((a, b) => a - b);
}
