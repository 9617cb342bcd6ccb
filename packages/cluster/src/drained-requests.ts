import { Results } from "@multimaster/core";
import { type Connection, newestBuildId, openRequestsClaimedBy, queryRows } from "@multimaster/database";

/** What became of the build requests that a master had when its drain began, and of those it still took on. */
export interface DrainedRequests {
  before: number;
  /** Built to their end by it. */
  finished: number;
  /** Given to other masters before they were begun. */
  handedOver: number;
  /** Begun, given back, and to be built again. */
  retried: number;
  /** It still builds them. */
  running: number;
  /** It is gone, and they are still its own: there must be none. */
  lost: number;
}

interface Work {
  requests: ReadonlySet<number>;
  /** No build of earlier times than this one, except those that run. */
  newestBuild: number;
  runningBuilds: readonly number[];
}

/** What a master has in hand. */
export async function readWork(connection: Connection, masterid: number): Promise<Work> {
  const newestBuild = await newestBuildId(connection);
  const claimed = await openRequestsClaimedBy(connection, masterid);
  const running = await queryRows<{ id: number; buildrequestid: number }>(
    connection,
    "select id, buildrequestid from builds where masterid = ? and complete_at is null",
    [masterid],
  );
  return {
    requests: new Set([...claimed, ...running.map(({ buildrequestid }) => buildrequestid)]),
    newestBuild,
    runningBuilds: running.map(({ id }) => id),
  };
}

/** What became of it; `isGone`: the master does nothing more. */
export async function judgeWork(
  connection: Connection,
  masterid: number,
  before: Work,
  isGone: boolean,
): Promise<DrainedRequests> {
  const ran = connection.dialect.isOneOf("id", before.runningBuilds);
  const builds = await queryRows<{ buildrequestid: number; results: number | null; open: number }>(
    connection,
    `select buildrequestid, results, case when complete_at is null then 1 else 0 end as open from builds
     where masterid = ? and (id > ? or ${ran.sql}) order by id`,
    [masterid, before.newestBuild, ...ran.bindings],
  );
  const claimed = new Set(await openRequestsClaimedBy(connection, masterid));
  const newest = new Map(builds.map((build) => [build.buildrequestid, build]));
  const fates = [...new Set([...before.requests, ...newest.keys()])].map((request) => {
    const build = newest.get(request);
    if (build ? build.open === 1 : claimed.has(request)) return isGone ? "lost" : "running";
    if (!build) return "handedOver";
    return build.results === Results.RETRY ? "retried" : "finished";
  });
  const count = (fate: string) => fates.filter((one) => one === fate).length;
  return {
    before: before.requests.size,
    finished: count("finished"),
    handedOver: count("handedOver"),
    retried: count("retried"),
    running: count("running"),
    lost: count("lost"),
  };
}
