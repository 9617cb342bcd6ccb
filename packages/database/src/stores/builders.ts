import type { Connection } from "../connection.ts";
import { execute, insertIgnore, queryRows } from "../dialect.ts";
import { fitNullable, longest } from "./column-text.ts";
import { setConfiguredWorkers } from "./configured-workers.ts";

export interface BuilderInfo {
  builderid: number;
  description: string | null;
  projectid: number | null;
  tagids: readonly number[];
}

/** Makes description, project and tags of builders what they should be; ids of those that were not so. */
export async function saveBuilderInfos(tx: Connection, infos: readonly BuilderInfo[]): Promise<number[]> {
  const ids = infos.map(({ builderid }) => builderid);
  const named = tx.dialect.isOneOf("id", ids);
  // In the order of their ids: masters that share builders configure them at the same time.
  const rows = await queryRows<{ id: number; description: string | null; projectid: number | null }>(
    tx,
    `select id, description, projectid from builders where ${named.sql} order by id${tx.dialect.noKeyUpdateLock}`,
    named.bindings,
  );
  const tagged = tx.dialect.isOneOf("builderid", ids);
  const tags = await queryRows<{ builderid: number; tagid: number }>(
    tx,
    `select builderid, tagid from builders_tags where ${tagged.sql}`,
    tagged.bindings,
  );
  const rowOf = new Map(rows.map((row) => [row.id, row]));
  const tagsOf = new Map(ids.map((id) => [id, new Set<number>()]));
  for (const { builderid, tagid } of tags) tagsOf.get(builderid)?.add(tagid);
  const changed: number[] = [];
  for (const info of infos.toSorted((a, b) => a.builderid - b.builderid)) {
    const row = rowOf.get(info.builderid);
    const old = tagsOf.get(info.builderid) ?? new Set();
    const wanted = new Set(info.tagids);
    const sameTags = old.size === wanted.size && [...wanted].every((tagid) => old.has(tagid));
    if (
      sameTags &&
      row?.description === fitNullable(info.description, longest.sentence) &&
      row.projectid === info.projectid
    )
      continue;
    await saveBuilderInfo(tx, info, old);
    changed.push(info.builderid);
  }
  return changed;
}

async function saveBuilderInfo(tx: Connection, info: BuilderInfo, old: ReadonlySet<number>): Promise<void> {
  const wanted = new Set(info.tagids);
  await execute(
    tx,
    "update builders set description = ?, description_format = null, description_html = null, projectid = ? where id = ?",
    [fitNullable(info.description, longest.sentence), info.projectid, info.builderid],
  );
  const gone = tx.dialect.isOneOf(
    "tagid",
    [...old].filter((tagid) => !wanted.has(tagid)),
  );
  await execute(tx, `delete from builders_tags where builderid = ? and ${gone.sql}`, [
    info.builderid,
    ...gone.bindings,
  ]);
  const rows = [...wanted].sort((a, b) => a - b).map((tagid) => ({ builderid: info.builderid, tagid }));
  await insertIgnore(tx, { table: "builders_tags", rows, conflict: ["builderid", "tagid"] });
}

export interface BuilderSetChange {
  started: number[];
  stopped: number[];
}

/** Makes the builders of a master, and the workers configured for each, exactly those given; see `setConfiguredWorkers`. */
export async function setMasterBuilders(
  tx: Connection,
  masterid: number,
  workersByBuilder: ReadonlyMap<number, readonly number[]>,
): Promise<BuilderSetChange> {
  const select = "select id, builderid from builder_masters where masterid = ?";
  const before = await queryRows<{ id: number; builderid: number }>(tx, select, [masterid]);
  const stopped = before.filter((row) => !workersByBuilder.has(row.builderid));
  const dropped = tx.dialect.isOneOf(
    "buildermasterid",
    stopped.map((row) => row.id),
  );
  for (const table of ["configured_workers", "mm_builder_workers"])
    await execute(tx, `delete from ${table} where ${dropped.sql}`, dropped.bindings);
  const gone = tx.dialect.isOneOf(
    "id",
    stopped.map((row) => row.id),
  );
  await execute(tx, `delete from builder_masters where ${gone.sql}`, gone.bindings);
  const rows = [...workersByBuilder.keys()].sort((a, b) => a - b).map((builderid) => ({ builderid, masterid }));
  const added = await insertIgnore<{ builderid: number }>(tx, {
    table: "builder_masters",
    rows,
    conflict: ["builderid", "masterid"],
    returning: ["builderid"],
  });
  const places = await queryRows<{ id: number; builderid: number }>(tx, select, [masterid]);
  const byPlace = new Map(places.map(({ id, builderid }) => [id, workersByBuilder.get(builderid) ?? []]));
  await setConfiguredWorkers(tx, byPlace);
  return { started: added.map((row) => row.builderid), stopped: stopped.map((row) => row.builderid) };
}

/** Ids of the builders that a master has. */
export async function buildersOfMaster(connection: Connection, masterid: number): Promise<number[]> {
  const rows = await queryRows<{ builderid: number }>(
    connection,
    "select builderid from builder_masters where masterid = ? order by builderid",
    [masterid],
  );
  return rows.map(({ builderid }) => builderid);
}

/** Which of these ids are no builders. */
export async function missingBuilders(connection: Connection, ids: readonly number[]): Promise<number[]> {
  if (ids.length === 0) return [];
  const wanted = connection.dialect.isOneOf("id", ids);
  const rows = await queryRows<{ id: number }>(
    connection,
    `select id from builders where ${wanted.sql}`,
    wanted.bindings,
  );
  const known = new Set(rows.map((row) => row.id));
  return ids.filter((id) => !known.has(id));
}
