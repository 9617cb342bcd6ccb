import { append, type Result, Results } from "@multimaster/core";
import { type Connection, execute, queryRows } from "@multimaster/database";
import { completeBuildsets } from "./complete-buildsets.ts";
import {
  countMasterEnds,
  describeMasterEnds,
  type Exhausted,
  type MasterEnd,
  noteExhausted,
} from "./request-losses.ts";

/** What changed when a master was buried or left: enough to publish the events afterwards. All lists are of ids. */
export interface Burial {
  masterid: number;
  name: string;
  finishedLogs: number[];
  finishedSteps: number[];
  finishedBuilds: number[];
  /** Build requests that any master may claim now. */
  unclaimedRequests: number[];
  /** Build requests that ended: cancelled, or their build had ended and only the request's end was missing. */
  completedRequests: number[];
  completedBuildsets: number[];
  stoppedBuilders: { builderid: number; name: string }[];
  disconnectedWorkers: number[];
  freedSchedulers: number[];
  freedChangeSources: number[];
}

interface RunningBuild {
  id: number;
  buildrequestid: number;
  cancelled: number;
}

interface ClaimedRequest {
  id: number;
  buildsetid: number;
  cancelled: number;
  /** Results of its newest build, null while that runs or when there is none. */
  results: number | null;
}

/**
 * Takes everything from a master that is gone, in the caller's transaction: no claim of it remains, its running builds
 * are over, their requests are free for others. Since this comes before a new epoch of the same master begins, a claim
 * row needs no epoch: it belongs to the present life of its master.
 *
 * Its end is counted for the requests whose builds ran on it (docs/faults.md): a death more seriously than one in order,
 * at which builds run only if they could not be given back before.
 *
 * The caller has locked the lease row (or the masters row, for one of Buildbot's) and marked it.
 */
export async function buryMaster(tx: Connection, masterid: number, name: string, end: MasterEnd): Promise<Burial> {
  await execute(tx, "update masters set active = 0 where id = ?", [masterid]);
  await execute(tx, `update mm_loop_stalls set ended_at = ${tx.dialect.now} where masterid = ? and ended_at is null`, [
    masterid,
  ]);
  const requests = await lockClaimedRequests(tx, masterid);
  const builds = await readRunningBuilds(tx, masterid);
  const exhausted = await countEnd(tx, end, masterid, requests, builds);
  const describe = (count: number) => describeMasterEnds(end, name, count);
  const finished = await finishBuilds(tx, name, builds, exhausted, describe);
  const completed = await completeRequests(tx, requests, builds, exhausted);
  // Also those that others still seem to have requests in: these may be ended at this moment, and who locks last sees all.
  const ended = requests.filter(({ id }) => completed.includes(id)).map(({ buildsetid }) => buildsetid);
  const unclaimed = await returnedIds(
    tx,
    "delete from buildrequest_claims where masterid = ? and brid in (select id from buildrequests where complete = 0) returning brid as id",
    [masterid],
  );
  return {
    masterid,
    name,
    ...finished,
    unclaimedRequests: unclaimed,
    completedRequests: completed,
    completedBuildsets: await completeBuildsets(tx, [
      ...new Set([...ended, ...(await findEndedBuildsets(tx, masterid))]),
    ]),
    ...(await freePlaces(tx, masterid)),
  };
}

async function returnedIds(tx: Connection, sql: string, bindings: readonly unknown[]): Promise<number[]> {
  return (await queryRows<{ id: number }>(tx, sql, bindings)).map((row) => row.id).sort((a, b) => a - b);
}

function lockClaimedRequests(tx: Connection, masterid: number): Promise<ClaimedRequest[]> {
  return queryRows<ClaimedRequest>(
    tx,
    `select br.id, br.buildsetid,
       case when exists (select 1 from mm_cancellations c where c.buildrequestid = br.id) then 1 else 0 end as cancelled,
       (select b.results from builds b where b.buildrequestid = br.id order by b.id desc limit 1) as results
     from buildrequests br
     where br.complete = 0 and br.id in (select brid from buildrequest_claims where masterid = ?)
     order by br.id${tx.dialect.noKeyUpdateLock}`,
    [masterid],
  );
}

/** A build that was asked to stop ends as it was asked to, unless the wish was only to stop it here and run it again. */
function readRunningBuilds(tx: Connection, masterid: number): Promise<RunningBuild[]> {
  return queryRows<RunningBuild>(
    tx,
    `select b.id, b.buildrequestid,
       case when exists (select 1 from mm_cancellations c where c.buildrequestid = b.buildrequestid)
              or exists (select 1 from mm_stop_requests s where s.buildid = b.id and s.results <> ?)
            then 1 else 0 end as cancelled
     from builds b where b.masterid = ? and b.complete_at is null order by b.id`,
    [Results.RETRY, masterid],
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

interface BuildsEnd {
  results: Result;
  /** Null: the state stays what the build said last. */
  state: string | null;
  builds: RunningBuild[];
}

function endsOf(
  name: string,
  builds: readonly RunningBuild[],
  exhausted: Exhausted,
  describe: (count: number) => string,
): BuildsEnd[] {
  const ends: BuildsEnd[] = [
    { results: Results.RETRY, state: `master ${name} was lost`, builds: [] },
    { results: Results.CANCELLED, state: null, builds: [] },
  ];
  const [retried, cancelled] = ends as [BuildsEnd, BuildsEnd];
  for (const build of builds) {
    const count = exhausted.get(build.buildrequestid);
    if (build.cancelled === 1) cancelled.builds.push(build);
    else if (count === undefined) retried.builds.push(build);
    else ends.push({ results: Results.EXCEPTION, state: describe(count), builds: [build] });
  }
  return ends.filter((end) => end.builds.length > 0);
}

async function finishBuilds(
  tx: Connection,
  name: string,
  builds: readonly RunningBuild[],
  exhausted: Exhausted,
  describe: (count: number) => string,
): Promise<Pick<Burial, "finishedLogs" | "finishedSteps" | "finishedBuilds">> {
  const all = { finishedLogs: [] as number[], finishedSteps: [] as number[], finishedBuilds: [] as number[] };
  for (const { results, state, builds: ended } of endsOf(name, builds, exhausted, describe)) {
    const ids = ended.map((build) => build.id);
    const ofBuild = tx.dialect.isOneOf("buildid", ids);
    const logs = await returnedIds(
      tx,
      `update logs set complete = 1 where complete = 0 and stepid in (select id from steps where ${ofBuild.sql}) returning id`,
      ofBuild.bindings,
    );
    const finish = `set results = ?, complete_at = ${tx.dialect.nowSeconds}`;
    const steps = await returnedIds(
      tx,
      `update steps ${finish} where complete_at is null and ${ofBuild.sql} returning id`,
      [results, ...ofBuild.bindings],
    );
    const ofIds = tx.dialect.isOneOf("id", ids);
    const done = await returnedIds(
      tx,
      `update builds ${finish}, state_string = coalesce(?, state_string)
       where complete_at is null and ${ofIds.sql} returning id`,
      [results, state, ...ofIds.bindings],
    );
    append(all.finishedLogs, logs);
    append(all.finishedSteps, steps);
    append(all.finishedBuilds, done);
  }
  for (const [requestId, count] of exhausted) await noteExhausted(tx, requestId, describe(count));
  return all;
}

async function completeRequests(
  tx: Connection,
  requests: readonly ClaimedRequest[],
  builds: readonly RunningBuild[],
  exhausted: Exhausted,
): Promise<number[]> {
  const stopped = new Set(builds.filter((build) => build.cancelled === 1).map((build) => build.buildrequestid));
  const byResults = new Map<number, number[]>();
  for (const request of requests) {
    const results = exhausted.has(request.id) ? Results.EXCEPTION : outcomeOf(request, stopped.has(request.id));
    if (results !== undefined) byResults.set(results, [...(byResults.get(results) ?? []), request.id]);
  }
  const completed: number[] = [];
  for (const [results, ids] of byResults) {
    const wanted = tx.dialect.isOneOf("id", ids);
    completed.push(
      ...(await returnedIds(
        tx,
        `update buildrequests set complete = 1, results = ?, complete_at = ${tx.dialect.nowSeconds}
         where complete = 0 and ${wanted.sql} returning id`,
        [results, ...wanted.bindings],
      )),
    );
  }
  return completed;
}

/** How a claimed request ends now; undefined when it is to be run again. */
function outcomeOf(request: ClaimedRequest, stopped: boolean): Result | undefined {
  // Its build had ended, and the master died before the request did: building it again would be once too often.
  if (request.results !== null && request.results !== Results.RETRY) return request.results as Result;
  return request.cancelled === 1 || stopped ? Results.CANCELLED : undefined;
}

/** Buildsets of this master's requests that nothing keeps open, also those that it left so before it died. */
function findEndedBuildsets(tx: Connection, masterid: number): Promise<number[]> {
  return returnedIds(
    tx,
    `select bs.id from buildsets bs where bs.complete = 0
       and not exists (select 1 from buildrequests br where br.buildsetid = bs.id and br.complete = 0)
       and exists (select 1 from buildrequests br join buildrequest_claims c on c.brid = br.id
                   where br.buildsetid = bs.id and c.masterid = ?)`,
    [masterid],
  );
}

async function freePlaces(
  tx: Connection,
  masterid: number,
): Promise<Pick<Burial, "stoppedBuilders" | "disconnectedWorkers" | "freedSchedulers" | "freedChangeSources">> {
  const stoppedBuilders = await queryRows<{ builderid: number; name: string }>(
    tx,
    "select b.id as builderid, b.name from builder_masters bm join builders b on b.id = bm.builderid where bm.masterid = ? order by b.id",
    [masterid],
  );
  // Explicitly, not by cascade: the rows may have been made by a Buildbot master on SQLite, without enforced references.
  for (const table of ["configured_workers", "mm_builder_workers"]) {
    await execute(
      tx,
      `delete from ${table} where buildermasterid in (select id from builder_masters where masterid = ?)`,
      [masterid],
    );
  }
  await execute(tx, "delete from builder_masters where masterid = ?", [masterid]);
  const take = (table: string, id: string) =>
    returnedIds(tx, `delete from ${table} where masterid = ? returning ${id} as id`, [masterid]);
  const connected = await take("connected_workers", "workerid");
  const attached = await take("mm_worker_attachments", "workerid");
  return {
    stoppedBuilders,
    disconnectedWorkers: [...new Set([...connected, ...attached])].sort((a, b) => a - b),
    freedSchedulers: await take("scheduler_masters", "schedulerid"),
    freedChangeSources: await take("changesource_masters", "changesourceid"),
  };
}
