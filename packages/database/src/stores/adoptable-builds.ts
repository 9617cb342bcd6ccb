import type { SourcedProperties } from "@multimaster/core";
import type { Connection } from "../connection.ts";
import { execute, queryRows } from "../dialect.ts";
import { together } from "../together.ts";

/** A command with which its build can be resumed on another engine. */
export interface ResumePointRow {
  readonly commandId: string;
  readonly adoptWithinMs: number;
  /** JSON. */
  readonly point: string;
}

/** On `buildrequests`, by an alias: its build waits for an engine that adopts it. */
export const waitsForAdoption = (alias: string): string =>
  `exists (select 1 from mm_adoptable_builds a where a.buildrequestid = ${alias}.id)`;

/** Notes that these commands, whose rows exist, can be resumed. */
export const insertResumePoints = together(async (tx, points: readonly ResumePointRow[]): Promise<undefined[]> => {
  const given = tx.dialect.rowsOf(
    ["text", "integer", "text"],
    points.map(({ commandId, adoptWithinMs, point }) => [commandId, adoptWithinMs, point]),
  );
  await execute(
    tx,
    `with v(command_id, adopt_within_ms, point) as (${given.sql})
     insert into mm_command_resume_points (command_id, adopt_within_ms, point)
     select command_id, adopt_within_ms, point from v where true on conflict (command_id) do nothing`,
    given.bindings,
  );
  return points.map(() => undefined);
});

/**
 * Leaves those of these builds of a dead master to be adopted whose newest step runs with one command, which can be resumed;
 * returns their ids.
 */
export async function insertAdoptableBuilds(
  tx: Connection,
  masterid: number,
  buildids: readonly number[],
): Promise<number[]> {
  const wanted = tx.dialect.isOneOf("b.id", buildids);
  const rows = await queryRows<{ buildid: number }>(
    tx,
    `insert into mm_adoptable_builds (buildid, buildrequestid, masterid, command_id, adopt_until)
     select b.id, b.buildrequestid, b.masterid, c.command_id, ${tx.dialect.now} + p.adopt_within_ms / 1000.0
       from builds b
       join mm_commands c on c.workerid = b.workerid and c.buildid = b.id
       join mm_command_resume_points p on p.command_id = c.command_id
       join steps s on s.id = c.stepid and s.buildid = b.id
      where ${wanted.sql} and b.masterid = ? and b.complete_at is null and s.complete_at is null
        and not exists (select 1 from steps n where n.buildid = b.id and n.number > s.number)
        and (select count(*) from mm_commands o where o.workerid = c.workerid and o.stepid = c.stepid) = 1
     on conflict (buildid) do nothing returning buildid`,
    [...wanted.bindings, masterid],
  );
  return rows.map(({ buildid }) => buildid);
}

/** A build that waits for an engine, and who had it. */
export interface AdoptableBuild {
  readonly buildid: number;
  readonly buildrequestid: number;
  readonly masterid: number;
  readonly commandId: string;
}

const columns = 'buildid, buildrequestid, masterid, command_id as "commandId"';

/** Builds that have waited for too long. */
export function overdueAdoptableBuilds(connection: Connection): Promise<AdoptableBuild[]> {
  const sql = `select ${columns} from mm_adoptable_builds where adopt_until <= ${connection.dialect.now}
    order by buildrequestid limit 100`;
  return queryRows(connection, sql);
}

export function readAdoptableBuilds(connection: Connection, buildids: readonly number[]): Promise<AdoptableBuild[]> {
  const wanted = connection.dialect.isOneOf("buildid", buildids);
  const sql = `select ${columns} from mm_adoptable_builds where ${wanted.sql} order by buildrequestid`;
  return queryRows(connection, sql, wanted.bindings);
}

/** Ends the wait of a build; false when another transaction has. The caller holds the request's row. */
export async function takeAdoptableBuild(tx: Connection, buildid: number): Promise<boolean> {
  return (await execute(tx, "delete from mm_adoptable_builds where buildid = ?", [buildid])) === 1;
}

/** Gives a running build, the claim of its request and its command to another master. The caller has taken the build. */
export async function moveBuild(
  tx: Connection,
  { buildid, buildrequestid, masterid: from, commandId }: AdoptableBuild,
  to: { readonly masterid: number; readonly epoch: number },
): Promise<boolean> {
  const moved = await execute(
    tx,
    "update builds set masterid = ? where id = ? and masterid = ? and complete_at is null",
    [to.masterid, buildid, from],
  );
  const claimed = await execute(
    tx,
    `update buildrequest_claims set masterid = ?, claimed_at = ${tx.dialect.nowSeconds} where brid = ? and masterid = ?`,
    [to.masterid, buildrequestid, from],
  );
  const sent = await execute(
    tx,
    `update mm_commands set masterid = ?, epoch = ?, sent_at = ${tx.dialect.now} where command_id = ? and buildid = ?`,
    [to.masterid, to.epoch, commandId, buildid],
  );
  return moved === 1 && claimed === 1 && sent === 1;
}

/** What the rows say of a build that goes on. */
export interface BuildProgress {
  readonly number: number;
  readonly builderid: number;
  /** How long it has run, without the time in which its steps waited for locks. */
  readonly elapsedS: number;
  /** The step that runs. */
  readonly stepid: number;
  readonly stepName: string;
  readonly properties: SourcedProperties;
  readonly logs: readonly { readonly logid: number; readonly name: string; readonly lines: number }[];
}

export async function readBuildProgress(tx: Connection, buildid: number): Promise<BuildProgress | undefined> {
  const [rows, properties] = await Promise.all([
    queryRows<{ number: number; builderid: number; elapsedS: number; stepid: number; stepName: string }>(
      tx,
      `select b.number, b.builderid, ${tx.dialect.nowSeconds} - b.started_at - coalesce(b.locks_duration_s, 0) as "elapsedS", s.id as stepid, s.name as "stepName"
         from builds b join steps s on s.buildid = b.id
        where b.id = ? and s.complete_at is null order by s.number desc limit 1`,
      [buildid],
    ),
    queryRows<{ name: string; value: string; source: string }>(
      tx,
      "select name, value, source from build_properties where buildid = ?",
      [buildid],
    ),
  ]);
  const [row] = rows;
  if (row === undefined) return undefined;
  const logs = await queryRows<{ logid: number; name: string; lines: number }>(
    tx,
    "select id as logid, name, num_lines as lines from logs where stepid = ? order by id",
    [row.stepid],
  );
  const sourced = properties.map(({ name, value, source }) => [name, [JSON.parse(value), source]] as const);
  return { ...row, properties: Object.fromEntries(sourced), logs };
}
