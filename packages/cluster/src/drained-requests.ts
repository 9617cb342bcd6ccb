import { Results } from "@multimaster/core";
import { type Connection, newestBuildId, openRequestsClaimedBy, queryRows, requestStates } from "@multimaster/database";

/** What became of the build requests that a master had when its drain began, and of those it still took on. */
export interface DrainedRequests {
  before: number;
  /** Built to their end by it, or cancelled before a build began. */
  finished: number;
  /** Released before a build began: other masters build them. */
  handedOver: number;
  /** Begun and released, to be built again, whether another master has done so or not. */
  retried: number;
  /** It still builds them. */
  running: number;
  /** The master is gone, and they are still its own: there must be none. */
  lost: number;
}

type Outcome = Exclude<keyof DrainedRequests, "before">;

/** The work of a master when its drain begins. */
export interface MasterWork {
  /** Requests that it works on. */
  readonly requests: readonly number[];
  /** The newest build there is: later ones of this master are of requests that it takes on while it drains. */
  readonly newestBuild: number;
  readonly runningBuilds: readonly number[];
}

/** Reads what a master works on. */
export async function readWork(connection: Connection, masterid: number): Promise<MasterWork> {
  const newestBuild = await newestBuildId(connection);
  const claimed = await openRequestsClaimedBy(connection, masterid);
  const running = await queryRows<{ id: number; buildrequestid: number }>(
    connection,
    "select id, buildrequestid from builds where masterid = ? and complete_at is null",
    [masterid],
  );
  return {
    requests: [...new Set([...claimed, ...running.map(({ buildrequestid }) => buildrequestid)])],
    newestBuild,
    runningBuilds: running.map(({ id }) => id),
  };
}

/**
 * Counts what became of the work, by the master's own builds: what it released counts as retried, though another master
 * may have built it since. `isGone`: the master does nothing more.
 */
export async function judgeWork(
  connection: Connection,
  masterid: number,
  before: MasterWork,
  isGone: boolean,
): Promise<DrainedRequests> {
  const newest = await readNewestBuilds(connection, masterid, before);
  const unbuilt = before.requests.filter((request) => !newest.has(request));
  const states = new Map((await requestStates(connection, unbuilt)).map((state) => [state.id, state]));
  const count = { before: before.requests.length, finished: 0, handedOver: 0, retried: 0, running: 0, lost: 0 };
  const held: Outcome = isGone ? "lost" : "running";
  for (const { results, open } of newest.values())
    count[open === 1 ? held : results === Results.RETRY ? "retried" : "finished"] += 1;
  for (const request of unbuilt) {
    const state = states.get(request);
    count[state?.complete ? "finished" : state?.claimedBy === masterid ? held : "handedOver"] += 1;
  }
  return count;
}

/** By request: the newest of the builds that ran when the drain began or came later. */
async function readNewestBuilds(connection: Connection, masterid: number, { newestBuild, runningBuilds }: MasterWork) {
  const ran = connection.dialect.isOneOf("id", runningBuilds);
  const builds = await queryRows<{ buildrequestid: number; results: number | null; open: number }>(
    connection,
    `select buildrequestid, results, case when complete_at is null then 1 else 0 end as open from builds
     where masterid = ? and (id > ? or ${ran.sql}) order by id`,
    [masterid, newestBuild, ...ran.bindings],
  );
  return new Map(builds.map((build) => [build.buildrequestid, build]));
}
