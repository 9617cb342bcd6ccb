import { pythonJson, type Result, type SourcedProperties } from "@multimaster/core";
import type { Connection } from "../connection.ts";
import { execute, queryRows } from "../dialect.ts";
import { together } from "../together.ts";
import { updateRows } from "../update-rows.ts";
import { longest, truncateText } from "./column-text.ts";

export interface NewBuildRow {
  builderid: number;
  buildrequestid: number;
  workerid: number;
  masterid: number;
  /** What it does first. */
  state: string;
}

/** Locks the builder of a request: builds that start at once take turns, instead of all but one losing each number. */
export const lockBuilderOf = together(async (tx, buildrequestids: readonly number[]): Promise<undefined[]> => {
  const requests = tx.dialect.isOneOf("id", buildrequestids);
  await queryRows(
    tx,
    `select id from builders where id in (select builderid from buildrequests where ${requests.sql})
      order by id${tx.dialect.noKeyUpdateLock}`,
    requests.bindings,
  );
  return buildrequestids.map(() => undefined);
});

/** Inserts a build under the builder's next number. The caller holds the builder's row. */
export const insertBuild = together(
  async (tx, builds: readonly NewBuildRow[]): Promise<{ id: number; number: number }[]> => {
    const inserted = new Map<number, { id: number; number: number }>();
    // Each failed try means that another transaction has taken a number, so this ends; any other violation is thrown.
    while (inserted.size < builds.length) {
      const missing = builds.filter(({ buildrequestid }) => !inserted.has(buildrequestid));
      for (const { buildrequestid, ...build } of await tryInsertBuilds(tx, missing))
        inserted.set(buildrequestid, build);
    }
    return builds.map(({ buildrequestid }) => inserted.get(buildrequestid) as { id: number; number: number });
  },
  ({ buildrequestid }) => buildrequestid,
);

/** Without those whose number was taken meanwhile. */
async function tryInsertBuilds(tx: Connection, builds: readonly NewBuildRow[]) {
  const ofBuilder = new Map<number, number>();
  const rows = builds.map(({ builderid, buildrequestid, workerid, masterid, state }) => {
    const nth = (ofBuilder.get(builderid) ?? 0) + 1;
    ofBuilder.set(builderid, nth);
    return [builderid, nth, buildrequestid, workerid, masterid, truncateText(state, longest.sentence)];
  });
  const given = tx.dialect.rowsOf(["integer", "integer", "integer", "integer", "integer", "text"], rows);
  return queryRows<{ id: number; number: number; buildrequestid: number }>(
    tx,
    `with v(builderid, nth, buildrequestid, workerid, masterid, state) as (${given.sql})
     insert into builds (number, builderid, buildrequestid, workerid, masterid, started_at, locks_duration_s, state_string)
     select (select coalesce(max(b.number), 0) from builds b where b.builderid = v.builderid) + v.nth,
            v.builderid, v.buildrequestid, v.workerid, v.masterid, ${tx.dialect.nowSeconds}, 0, v.state
       from v where true
     on conflict (builderid, number) do nothing returning id, number, buildrequestid`,
    given.bindings,
  );
}

/**
 * The build of a request on this master that has only what it begins with, at most so many steps: it was committed by a
 * call whose answer was lost. It is given to the worker that was chosen now.
 */
export async function adoptBuild(
  tx: Connection,
  build: NewBuildRow,
  steps: number,
): Promise<{ id: number; number: number } | undefined> {
  const rows = await queryRows<{ id: number; number: number }>(
    tx,
    `update builds set workerid = ? where buildrequestid = ? and masterid = ? and complete_at is null
        and not exists (select 1 from mm_commands c where c.buildid = builds.id)
        and not exists (select 1 from logs l join steps s on s.id = l.stepid where s.buildid = builds.id)
        and not exists (select 1 from steps s where s.buildid = builds.id
                        and (s.number >= ? or (s.number > 0 and s.complete_at is not null)))
     returning id, number`,
    [build.workerid, build.buildrequestid, build.masterid, steps],
  );
  return rows[0];
}

export interface BuildState {
  buildid: number;
  buildrequestid: number;
  masterid: number;
  complete: boolean;
  /** It is asked to stop. */
  asked: boolean;
}

export async function getBuildStates(connection: Connection, ids: readonly number[]): Promise<BuildState[]> {
  const wanted = connection.dialect.isOneOf("id", ids);
  const rows = await queryRows<{
    id: number;
    buildrequestid: number;
    masterid: number;
    complete_at: number | null;
    asked: number;
  }>(
    connection,
    `select id, buildrequestid, masterid, complete_at,
            (select count(*) from mm_stop_requests s where s.buildid = builds.id) as asked
       from builds where ${wanted.sql} order by id`,
    wanted.bindings,
  );
  return rows.map(({ id, complete_at, asked, ...row }) => ({
    buildid: id,
    ...row,
    complete: complete_at !== null,
    asked: asked > 0,
  }));
}

export async function getBuildState(connection: Connection, buildid: number): Promise<BuildState | undefined> {
  return (await getBuildStates(connection, [buildid]))[0];
}

/** Builders and numbers of builds, by id. */
export async function namesOfBuilds(
  connection: Connection,
  ids: readonly number[],
): Promise<ReadonlyMap<number, { buildid: number; builder: string; number: number }>> {
  const wanted = connection.dialect.isOneOf("b.id", ids);
  const rows = await queryRows<{ buildid: number; builder: string; number: number }>(
    connection,
    `select b.id as buildid, n.name as builder, b.number from builds b join builders n on n.id = b.builderid
      where ${wanted.sql}`,
    wanted.bindings,
  );
  return new Map(rows.map((row) => [row.buildid, row]));
}

/** Sets the state of a running build of this master; false when it is not (any more). */
export function setBuildState(tx: Connection, buildid: number, masterid: number, state: string): Promise<boolean> {
  return setState(tx, { buildid, masterid, state });
}

const setState = updateRows<{ buildid: number; masterid: number; state: string }>({
  columns: { buildid: "integer", masterid: "integer", state: "text" },
  valuesOf: ({ buildid, masterid, state }) => [buildid, masterid, truncateText(state, longest.sentence)],
  update: () =>
    `update builds set state_string = v.state from v
     where builds.id = v.buildid and builds.masterid = v.masterid and complete_at is null`,
});

/** Whether this build runs on this master; its row is locked, so that writers of what belongs to it take turns. */
export function holdRunningBuild(tx: Connection, buildid: number, masterid: number): Promise<boolean> {
  return hold(tx, { buildid, masterid });
}

const hold = together(async (tx, wanted: readonly { buildid: number; masterid: number }[]) => {
  const ids = tx.dialect.isOneOf(
    "id",
    wanted.map(({ buildid }) => buildid),
  );
  const rows = await queryRows<{ id: number; masterid: number; complete_at: number | null }>(
    tx,
    `select id, masterid, complete_at from builds where ${ids.sql} order by id${tx.dialect.noKeyUpdateLock}`,
    ids.bindings,
  );
  const running = new Map(rows.filter((row) => row.complete_at === null).map((row) => [row.id, row.masterid]));
  return wanted.map(({ buildid, masterid }) => running.get(buildid) === masterid);
});

/** Replaces the given properties of a build. The table has no unique key: the caller holds the build's row. */
export async function saveBuildProperties(
  tx: Connection,
  buildid: number,
  properties: SourcedProperties,
): Promise<void> {
  await deleteProperties(tx, { buildid, names: Object.keys(properties) });
  await insertBuildProperties(tx, buildid, properties);
}

/** Adds properties that the build does not have yet. */
export function insertBuildProperties(tx: Connection, buildid: number, properties: SourcedProperties): Promise<void> {
  return insertProperties(tx, { buildid, properties });
}

const deleteProperties = together(
  async (tx, builds: readonly { buildid: number; names: readonly string[] }[]): Promise<undefined[]> => {
    const ids = tx.dialect.isOneOf(
      "buildid",
      builds.map(({ buildid }) => buildid),
    );
    const given = tx.dialect.rowsOf(
      ["integer", "text"],
      builds.flatMap(({ buildid, names }) => names.map((name) => [buildid, truncateText(name, 256)])),
    );
    await execute(
      tx,
      `with v(buildid, name) as (${given.sql})
       delete from build_properties where ${ids.sql} and (buildid, name) in (select buildid, name from v)`,
      [...given.bindings, ...ids.bindings],
    );
    return builds.map(() => undefined);
  },
  ({ buildid }) => buildid,
);

const insertProperties = together(
  async (tx, builds: readonly { buildid: number; properties: SourcedProperties }[]): Promise<undefined[]> => {
    const rows = builds.flatMap(({ buildid, properties }) =>
      Object.entries(properties).map(([name, [value, source]]) => [
        buildid,
        truncateText(name, 256),
        pythonJson(value),
        truncateText(source, 256),
      ]),
    );
    const given = tx.dialect.rowsOf(["integer", "text", "text", "text"], rows);
    await execute(
      tx,
      `with v(buildid, name, value, source) as (${given.sql})
       insert into build_properties (buildid, name, value, source) select buildid, name, value, source from v`,
      given.bindings,
    );
    return builds.map(() => undefined);
  },
);

/**
 * Notes that running builds are to stop; the first reason stays. `mayRepeat`: one that was asked before is asked to end its
 * clean-up, too. Returns the ids of those that run.
 */
export async function insertStopRequests(
  tx: Connection,
  builds: { buildid: number } | { buildrequestid: number },
  { reason, results, mayRepeat }: { reason: string; results: Result; mayRepeat: boolean },
): Promise<number[]> {
  const [column, id] = "buildid" in builds ? ["id", builds.buildid] : ["buildrequestid", builds.buildrequestid];
  await execute(
    tx,
    `insert into mm_stop_requests (buildid, reason, results, requested_at)
     select id, ?, ?, ${tx.dialect.now} from builds where ${column} = ? and complete_at is null
     on conflict (buildid) do ${mayRepeat ? "update set asked_again = 1" : "nothing"}`,
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
): Promise<{ buildid: number; reason: string; results: number; asked_again: number | null }[]> {
  const wanted = connection.dialect.isOneOf("buildid", buildids);
  return queryRows(
    connection,
    `select buildid, reason, results, asked_again from mm_stop_requests where ${wanted.sql} order by buildid`,
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
