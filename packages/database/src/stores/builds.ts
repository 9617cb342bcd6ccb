import { pythonJson, type Result, type SourcedProperties } from "@multimaster/core";
import type { Connection } from "../connection.ts";
import { execute, queryRows } from "../dialect.ts";
import { longest, truncateText } from "./column-text.ts";
import { insertRows } from "./insert-rows.ts";

export interface NewBuildRow {
  builderid: number;
  buildrequestid: number;
  workerid: number;
  masterid: number;
}

/** Inserts a build under the builder's next number. */
export async function insertBuild(tx: Connection, build: NewBuildRow): Promise<{ id: number; number: number }> {
  // Builds of one builder that start at the same time take turns, instead of all but one losing each number.
  await queryRows(tx, `select id from builders where id = ?${tx.dialect.noKeyUpdateLock}`, [build.builderid]);
  // Each failed try means that another transaction has taken a number, so this ends; any other violation is thrown.
  for (;;) {
    const rows = await queryRows<{ id: number; number: number }>(
      tx,
      `insert into builds (number, builderid, buildrequestid, workerid, masterid, started_at, locks_duration_s, state_string)
       values ((select coalesce(max(number), 0) + 1 from builds where builderid = ?), ?, ?, ?, ?, ${tx.dialect.nowSeconds}, 0, 'preparing worker')
       on conflict (builderid, number) do nothing returning id, number`,
      [build.builderid, build.builderid, build.buildrequestid, build.workerid, build.masterid],
    );
    if (rows[0]) return rows[0];
  }
}

/** Whether a build of a request runs on this master. */
export async function hasOpenBuild(tx: Connection, buildrequestid: number, masterid: number): Promise<boolean> {
  const rows = await queryRows(
    tx,
    "select id from builds where buildrequestid = ? and masterid = ? and complete_at is null limit 1",
    [buildrequestid, masterid],
  );
  return rows.length > 0;
}

/**
 * The build of a request on this master whose first step runs: it was committed by a call whose answer was lost. It is
 * given to the worker that was chosen now.
 */
export async function adoptBuild(
  tx: Connection,
  build: NewBuildRow,
): Promise<{ id: number; number: number } | undefined> {
  const rows = await queryRows<{ id: number; number: number }>(
    tx,
    `update builds set workerid = ? where buildrequestid = ? and masterid = ? and complete_at is null
        and not exists (select 1 from steps where steps.buildid = builds.id and (number > 0 or complete_at is not null))
     returning id, number`,
    [build.workerid, build.buildrequestid, build.masterid],
  );
  return rows[0];
}

export interface BuildState {
  buildid: number;
  buildrequestid: number;
  masterid: number;
  complete: boolean;
}

export async function getBuildStates(connection: Connection, ids: readonly number[]): Promise<BuildState[]> {
  const wanted = connection.dialect.isOneOf("id", ids);
  const rows = await queryRows<{ id: number; buildrequestid: number; masterid: number; complete_at: number | null }>(
    connection,
    `select id, buildrequestid, masterid, complete_at from builds where ${wanted.sql} order by id`,
    wanted.bindings,
  );
  return rows.map(({ id, complete_at, ...row }) => ({ buildid: id, ...row, complete: complete_at !== null }));
}

export async function getBuildState(connection: Connection, buildid: number): Promise<BuildState | undefined> {
  return (await getBuildStates(connection, [buildid]))[0];
}

/** Sets the state of a running build of this master; false when it is not (any more). */
export async function setBuildState(
  connection: Connection,
  buildid: number,
  masterid: number,
  state: string,
): Promise<boolean> {
  const done = await execute(
    connection,
    "update builds set state_string = ? where id = ? and masterid = ? and complete_at is null",
    [truncateText(state, longest.sentence), buildid, masterid],
  );
  return done === 1;
}

/** Whether this build runs on this master; its row is locked, so that writers of what belongs to it take turns. */
export async function holdRunningBuild(tx: Connection, buildid: number, masterid: number): Promise<boolean> {
  const rows = await queryRows<{ masterid: number; complete_at: number | null }>(
    tx,
    `select masterid, complete_at from builds where id = ?${tx.dialect.noKeyUpdateLock}`,
    [buildid],
  );
  return rows[0] !== undefined && rows[0].masterid === masterid && rows[0].complete_at === null;
}

/** Replaces the given properties of a build. The table has no unique key: the caller holds the build's row. */
export async function saveBuildProperties(
  tx: Connection,
  buildid: number,
  properties: SourcedProperties,
): Promise<void> {
  const rows = Object.entries(properties).map(([name, [value, source]]) => ({
    buildid,
    name: truncateText(name, 256),
    value: pythonJson(value),
    source: truncateText(source, 256),
  }));
  const names = tx.dialect.isOneOf(
    "name",
    rows.map((row) => row.name),
  );
  await execute(tx, `delete from build_properties where buildid = ? and ${names.sql}`, [buildid, ...names.bindings]);
  await insertRows(tx, "build_properties", rows);
}

/** Notes that running builds are to stop; the first reason stays. Returns the ids of those that run. */
export async function insertStopRequests(
  tx: Connection,
  builds: { buildid: number } | { buildrequestid: number },
  reason: string,
  results: Result,
): Promise<number[]> {
  const [column, id] = "buildid" in builds ? ["id", builds.buildid] : ["buildrequestid", builds.buildrequestid];
  await execute(
    tx,
    `insert into mm_stop_requests (buildid, reason, results, requested_at)
     select id, ?, ?, ${tx.dialect.now} from builds where ${column} = ? and complete_at is null
     on conflict (buildid) do nothing`,
    [truncateText(reason, longest.sentence), results, id],
  );
  const rows = await queryRows<{ id: number }>(
    tx,
    `select id from builds where ${column} = ? and complete_at is null`,
    [id],
  );
  return rows.map((row) => row.id);
}

export async function stopRequestsOf(
  connection: Connection,
  buildids: readonly number[],
): Promise<{ buildid: number; reason: string; results: number }[]> {
  const wanted = connection.dialect.isOneOf("buildid", buildids);
  return queryRows(
    connection,
    `select buildid, reason, results from mm_stop_requests where ${wanted.sql} order by buildid`,
    wanted.bindings,
  );
}

/** Removes stop requests that came to nothing, such as those that a master of an earlier release left at an eviction. */
export async function deleteAnsweredStopRequests(connection: Connection): Promise<void> {
  await execute(
    connection,
    "delete from mm_stop_requests where buildid in (select id from builds where id = mm_stop_requests.buildid and complete_at is not null)",
  );
}
