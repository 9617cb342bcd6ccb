import { type Connection, isRequestFree, isUnapproved, queryRows, silenceOf } from "@multimaster/database";
import { readCollapseProblems } from "./collapse-problems.ts";
import { describeLock, explainHeldLocks } from "./describe-obstacle.ts";
import { explainBuilder } from "./explain-builder.ts";
import { describeSilence } from "./explain-silence.ts";
import { WorkerStandings } from "./explain-workers.ts";
import { LastTries } from "./last-tries.ts";
import { LockQueues } from "./lock-queues.ts";
import { readPicture } from "./read-picture.ts";
import { because, describeTime, listNames, type Reason } from "./reasons.ts";

/** Why nothing of these builders is being started. */
export async function explainBuilders(
  connection: Connection,
  builderids: readonly number[],
): Promise<Map<number, Reason[]>> {
  const { explain } = await readExplanation(connection, builderids);
  const unapproved = await readUnapproved(connection, builderids);
  return new Map(builderids.map((id) => [id, unapproved.get(id) ?? explain(id)]));
}

/** Builders of which all requests that no master has wait for an approval. */
async function readUnapproved(
  connection: Connection,
  builderids: readonly number[],
): Promise<ReadonlyMap<number, Reason[]>> {
  if (builderids.length === 0) return new Map();
  const wanted = connection.dialect.isOneOf("r.builderid", builderids);
  const rows = await queryRows<{ builderid: number; count: number }>(
    connection,
    `select r.builderid, count(*) as count from mm_approvals w join buildrequests r on r.id = w.buildrequestid
      where w.decision is null and ${wanted.sql} and ${isRequestFree("r")}
        and not exists (select 1 from buildrequests o
              where o.builderid = r.builderid and ${isRequestFree("o")} and not ${isUnapproved("o")})
      group by r.builderid`,
    wanted.bindings,
  );
  return new Map(
    rows.map(({ builderid, count }) => {
      const sentence = `All its requests wait for approval: they are of strangers' code.`;
      return [builderid, [because("awaits_approval", sentence, { requests: Number(count) })]];
    }),
  );
}

interface Explanation {
  explain(builderid: number, atEngine?: (masterid: number) => Reason | undefined, requestId?: number): Reason[];
  /** Why a request does not begin at an engine, when that waits for locks. */
  explainLocks(buildrequestid: number, masterid: number): Reason | undefined;
  /** Whether a request waits for something that others of its builder do not. */
  isSpecial(buildrequestid: number): boolean;
}

async function readExplanation(connection: Connection, builderids: readonly number[]): Promise<Explanation> {
  if (builderids.length === 0) return { explain: () => [], explainLocks: () => undefined, isSpecial: () => false };
  const picture = await readPicture(connection, builderids);
  const standings = new WorkerStandings(picture);
  return {
    explain: (id, atEngine, requestId) => explainBuilder(picture, standings, id, atEngine, requestId),
    isSpecial: (buildrequestid) =>
      picture.locks.hasRequest(buildrequestid) || picture.refusals.hasRequest(buildrequestid),
    explainLocks(buildrequestid, masterid) {
      const locks = picture.locks.ofRequest(buildrequestid, masterid);
      const engine = picture.engines.get(masterid);
      return locks.length === 0 || !engine ? undefined : explainHeldLocks(engine, locks);
    },
  };
}

/**
 * Why each of these build requests waits, the same for everybody who asks: REST, command line and page. Requests of one
 * builder wait for the same, so thousands cost what their builders do, except those that have been lost.
 */
export async function explainRequests(
  connection: Connection,
  requestids: readonly number[],
): Promise<Map<number, Reason[]>> {
  const states = await readStates(connection, requestids);
  const pending = states.filter((state) => explainState(state) === undefined);
  const builderids = [...new Set(pending.map(({ builderid }) => builderid))];
  const { explain, explainLocks, isSpecial } = await readExplanation(connection, builderids);
  const byBuilder = new Map(builderids.map((id) => [id, explain(id)]));
  const isLossy = ({ engineDeaths, workerLosses }: RequestState) => engineDeaths + workerLosses > 0;
  const locks = states.some(({ buildid }) => buildid !== null) ? await LockQueues.read(connection) : LockQueues.empty;
  const problems = await readCollapseProblems(connection, builderids);
  const tries = pending.some(isLossy) ? await LastTries.read(connection, builderids) : undefined;
  return new Map(
    states.map((state) => {
      const own = explainState(state, locks);
      if (own) return [state.requestid, [own]];
      const { requestid, builderid } = state;
      const losses = tries !== undefined && isLossy(state) ? { ...state, waitedFor: state.waitedfor === 1 } : undefined;
      const more = problems.get(builderid) ?? [];
      if (losses === undefined && !isSpecial(requestid))
        return [requestid, [...(byBuilder.get(builderid) ?? []), ...more]];
      const explainAt = (masterid: number) =>
        (losses && tries?.explain(losses, masterid)) ?? explainLocks(requestid, masterid);
      return [requestid, [...explain(builderid, explainAt, requestid), ...more]];
    }),
  );
}

interface RequestState {
  requestid: number;
  builderid: number;
  complete: number;
  results: number | null;
  holderid: number | null;
  holder: string | null;
  cancelreason: string | null;
  lossdetail: string | null;
  /** Of a request that ended without a build of its own. */
  endkind: string | null;
  endreason: string | null;
  into: number | null;
  engineDeaths: number;
  workerLosses: number;
  waitedfor: number;
  /** Until when a rule of its builder makes it wait, and why. */
  retryAt: number | null;
  retryDetail: string | null;
  /** What a user has to approve before its build begins. */
  approvalSubject: string | null;
  expiresAt: number | null;
  buildid: number | null;
  number: number | null;
  buildmaster: string | null;
  /** Of a build whose master was lost: until when another one may adopt it. */
  adoptUntil: number | null;
  worker: string | null;
  /** Of the master that has it: for how long it has not renewed its lease, if it should have, and when that ends. */
  silence: number | null;
  leaseRemaining: number | null;
}

function readStates(connection: Connection, requestids: readonly number[]): Promise<RequestState[]> {
  const wanted = connection.dialect.isOneOf("r.id", requestids);
  return queryRows<RequestState>(
    connection,
    `select r.id as requestid, r.builderid, coalesce(r.complete, 0) as complete, r.results, c.masterid as holderid,
            m.name as holder, x.reason as cancelreason, l.detail as lossdetail,
            e.kind as endkind, e.reason as endreason, e.into_requestid as "into",
            coalesce(l.engine_deaths, 0) as "engineDeaths", coalesce(l.worker_losses, 0) as "workerLosses",
            coalesce(r.waited_for, 0) as waitedfor, q.retry_at as "retryAt", q.detail as "retryDetail",
            a.subject as "approvalSubject", a.expires_at as "expiresAt",
            b.id as buildid, b.number, bm.name as buildmaster, ab.adopt_until as "adoptUntil", bw.name as worker,
            ${silenceOf("le", connection.dialect.now)} as silence, le.expires_at - ${connection.dialect.now} as "leaseRemaining"
       from buildrequests r
       left join buildrequest_claims c on c.brid = r.id left join masters m on m.id = c.masterid
       left join mm_cancellations x on x.buildrequestid = r.id
       left join mm_request_losses l on l.buildrequestid = r.id
       left join mm_request_ends e on e.buildrequestid = r.id
       left join mm_request_retries q on q.buildrequestid = r.id and q.retry_at > ${connection.dialect.now}
       left join mm_approvals a on a.buildrequestid = r.id and a.decision is null
       left join builds b on b.buildrequestid = r.id and b.complete_at is null
       left join masters bm on bm.id = b.masterid left join workers bw on bw.id = b.workerid
       left join mm_adoptable_builds ab on ab.buildid = b.id
       left join mm_leases le on le.masterid = coalesce(b.masterid, c.masterid)
      where ${wanted.sql} order by b.id`,
    wanted.bindings,
  );
}

/** What it waits for whatever its builder does; undefined when it waits for its builder. */
function explainState(state: RequestState, locks: LockQueues = LockQueues.empty): Reason | undefined {
  const { holderid: masterid, holder: master } = state;
  if (state.complete === 1) return explainEnd(state);
  if (state.cancelreason !== null) {
    const sentence = `It was cancelled (${state.cancelreason}) and ends as soon as its master has stopped what runs.`;
    return because("cancelled", sentence, { reason: state.cancelreason, masterid, master });
  }
  if (state.buildid !== null && state.adoptUntil !== null) return explainAdoption(state, state.adoptUntil);
  if (state.buildid !== null) {
    const { buildid, number, buildmaster } = state;
    const held = locks.ofStep(state.requestid).map(describeLock);
    const waits = held.length === 0 ? "" : `; its step waits: ${listNames(held)}`;
    const sentence = `It is being built on ${buildmaster} (build ${number} of its builder)${silenceAt(state, buildmaster)}${waits}.`;
    return because("building", sentence, { buildid, number, master: buildmaster });
  }
  if (masterid === null && state.approvalSubject !== null) return explainApproval(state);
  if (masterid === null && state.retryAt !== null) {
    const at = describeTime(state.retryAt);
    const sentence = `It is run again at ${at}: ${state.retryDetail}.`;
    return because("retry_delay", sentence, { until: state.retryAt });
  }
  if (masterid !== null) return because("starting", explainStart(state, master), { masterid, master });
  return undefined;
}

/** Its master was evicted, and its command goes on without one. */
function explainAdoption({ buildid, number, buildmaster: master, worker }: RequestState, until: number): Reason {
  const sentence = `${master} is lost, which built it (build ${number} of its builder): another master goes on with the build if ${worker} is attached to it until ${describeTime(until)}; otherwise the build is lost, too.`;
  return because("engine_lost", sentence, { buildid, number, masters: [master], worker, until });
}

const explainStart = (state: RequestState, master: string | null): string =>
  state.silence === null
    ? `${master} has claimed it and is starting its build.`
    : `It is claimed by ${master}${silenceAt(state, master)}.`;

/** What is to be said of a master that may be dead. */
function silenceAt({ silence, leaseRemaining }: RequestState, name: string | null): string {
  if (silence === null || name === null) return "";
  return `, ${describeSilence({ name, silence, leaseRemaining: leaseRemaining ?? 0 })}`;
}

function explainApproval({ requestid, approvalSubject, expiresAt }: RequestState): Reason {
  const until = expiresAt === null ? "" : `, at most until ${describeTime(expiresAt)}`;
  const sentence = `The ${approvalSubject} waits for approval${until}: "master approve ${requestid}", or the button on the request's page.`;
  return because("awaits_approval", sentence, { subject: approvalSubject, until: expiresAt });
}

function explainEnd({ results, endkind, endreason, into, lossdetail }: RequestState): Reason {
  if (endkind === "collapsed") {
    const sentence = `It is complete: collapsed into build request ${into}, which builds its changes as well.`;
    return because("complete", sentence, { results, into });
  }
  const detail = endkind === "cancelled" ? `cancelled (${endreason})` : lossdetail;
  return because("complete", detail === null ? "It is complete." : `It is complete: ${detail}.`, { results });
}
