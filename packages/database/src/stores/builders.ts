import type { Connection } from "../connection.ts";
import { execute, insertIgnore, queryRows } from "../dialect.ts";
import { fitNullable, longest } from "./column-text.ts";

export interface BuilderInfo {
  builderid: number;
  description: string | null;
  projectid: number | null;
  tagids: readonly number[];
}

/** Makes description, project and tags of a builder what they should be; false when they already were. */
export async function saveBuilderInfo(tx: Connection, info: BuilderInfo): Promise<boolean> {
  const description = fitNullable(info.description, longest.sentence);
  const [row] = await queryRows<{ description: string | null; projectid: number | null }>(
    tx,
    `select description, projectid from builders where id = ?${tx.dialect.noKeyUpdateLock}`,
    [info.builderid],
  );
  const tags = await queryRows<{ tagid: number }>(tx, "select tagid from builders_tags where builderid = ?", [
    info.builderid,
  ]);
  const old = new Set(tags.map((tag) => tag.tagid));
  const wanted = new Set(info.tagids);
  const sameTags = old.size === wanted.size && [...wanted].every((tagid) => old.has(tagid));
  if (sameTags && row?.description === description && row.projectid === info.projectid) return false;
  await execute(
    tx,
    "update builders set description = ?, description_format = null, description_html = null, projectid = ? where id = ?",
    [description, info.projectid, info.builderid],
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
  return true;
}

export interface BuilderSetChange {
  started: number[];
  stopped: number[];
}

/** Makes the builders of a master, and the workers configured for each, exactly those given. */
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
  await execute(tx, `delete from configured_workers where ${dropped.sql}`, dropped.bindings);
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
  for (const row of await queryRows<{ id: number; builderid: number }>(tx, select, [masterid])) {
    await setConfiguredWorkers(tx, row.id, workersByBuilder.get(row.builderid) ?? []);
  }
  return { started: added.map((row) => row.builderid), stopped: stopped.map((row) => row.builderid) };
}

async function setConfiguredWorkers(
  tx: Connection,
  buildermasterid: number,
  workerids: readonly number[],
): Promise<void> {
  const wanted = tx.dialect.isOneOf("workerid", workerids);
  await execute(tx, `delete from configured_workers where buildermasterid = ? and not (${wanted.sql})`, [
    buildermasterid,
    ...wanted.bindings,
  ]);
  const rows = [...new Set(workerids)].sort((a, b) => a - b).map((workerid) => ({ buildermasterid, workerid }));
  await insertIgnore(tx, { table: "configured_workers", rows, conflict: ["buildermasterid", "workerid"] });
}

/** Which of these ids are no builders. */
export async function missingBuilders(connection: Connection, ids: readonly number[]): Promise<number[]> {
  const wanted = connection.dialect.isOneOf("id", ids);
  const rows = await queryRows<{ id: number }>(
    connection,
    `select id from builders where ${wanted.sql}`,
    wanted.bindings,
  );
  const known = new Set(rows.map((row) => row.id));
  return ids.filter((id) => !known.has(id));
}
