import type { Connection, Row } from "../connection.ts";
import { execute, queryRows } from "../dialect.ts";

/** A change, a source stamp or a row of the audit trail, with its time. */
export interface OldSource {
  id: number;
  at: number;
}

const refersTo = (column: string) => `exists (select 1 from buildset_sourcestamps u where u.sourcestampid = ${column})`;

/** No buildset has it, no scheduler has still to read it or waits with it, and it is not the newest. */
const isChangeUnneeded = (all: string) => `c.changeid < (select max(changeid) from changes)
  and not ${refersTo("c.sourcestampid")}
  and not exists (select 1 from scheduler_changes w where w.changeid = c.changeid)
  and c.changeid <= coalesce((select min(k.floor) from mm_scheduler_cursors k join schedulers d on d.id = k.schedulerid
    where ${all}), c.changeid)`;

/** No buildset and no change has it. One without a revision is used again for the next build of its branch. */
const isStampUnneeded = `t.id < (select max(id) from sourcestamps) and (t.revision is not null or t.patchid is not null)
  and not ${refersTo("t.id")} and not exists (select 1 from changes c where c.sourcestampid = t.id)`;

interface Next {
  readonly after: number;
  readonly limit: number;
}

/** The next changes after an id, oldest first. */
export function nextChanges(connection: Connection, { after, limit }: Next): Promise<OldSource[]> {
  return queryRows<Row & OldSource>(
    connection,
    `select c.changeid as id, t.created_at as at from changes c join sourcestamps t on t.id = c.sourcestampid
      where c.changeid > ? order by c.changeid limit ?`,
    [after, limit],
  );
}

/** Those of these changes that nothing needs; `schedulers` are those that read changes for builds. */
export async function unneededChanges(
  connection: Connection,
  schedulers: readonly string[],
  ids: readonly number[],
): Promise<number[]> {
  const read = connection.dialect.isOneOf("d.name", schedulers);
  const wanted = connection.dialect.isOneOf("c.changeid", ids);
  const rows = await queryRows<{ id: number }>(
    connection,
    `select c.changeid as id from changes c where ${wanted.sql} and ${isChangeUnneeded(read.sql)} order by c.changeid`,
    [...wanted.bindings, ...read.bindings],
  );
  return rows.map(({ id }) => id);
}

/** Deletes those of these changes that nothing needs; returns how many. */
export async function deleteChanges(
  tx: Connection,
  schedulers: readonly string[],
  ids: readonly number[],
): Promise<number> {
  const read = tx.dialect.isOneOf("d.name", schedulers);
  const wanted = tx.dialect.isOneOf("c.changeid", ids);
  return execute(
    tx,
    `delete from changes where changeid in (select c.changeid from changes c where ${wanted.sql} and ${isChangeUnneeded(read.sql)})`,
    [...wanted.bindings, ...read.bindings],
  );
}

/** The next source stamps after an id, oldest first. */
export function nextStamps(connection: Connection, { after, limit }: Next): Promise<OldSource[]> {
  return queryRows<Row & OldSource>(
    connection,
    "select id, created_at as at from sourcestamps where id > ? order by id limit ?",
    [after, limit],
  );
}

/** Those of these source stamps that nothing needs. */
export async function unneededStamps(connection: Connection, ids: readonly number[]): Promise<number[]> {
  const wanted = connection.dialect.isOneOf("t.id", ids);
  const rows = await queryRows<{ id: number }>(
    connection,
    `select t.id from sourcestamps t where ${wanted.sql} and ${isStampUnneeded} order by t.id`,
    wanted.bindings,
  );
  return rows.map(({ id }) => id);
}

/** Deletes those of these source stamps that nothing needs, with patches that no other one has; returns how many. */
export async function deleteStamps(tx: Connection, ids: readonly number[]): Promise<number> {
  const wanted = tx.dialect.isOneOf("t.id", ids);
  const rows = await queryRows<{ patchid: number | null }>(
    tx,
    `delete from sourcestamps where id in (select t.id from sourcestamps t where ${wanted.sql} and ${isStampUnneeded})
     returning patchid`,
    wanted.bindings,
  );
  const patches = tx.dialect.isOneOf(
    "id",
    rows.flatMap(({ patchid }) => patchid ?? []),
  );
  await execute(
    tx,
    `delete from patches where ${patches.sql} and id < (select max(id) from patches)
        and not exists (select 1 from sourcestamps t where t.patchid = patches.id)`,
    patches.bindings,
  );
  return rows.length;
}

/** The next rows of the audit trail after an id, oldest first. */
export function nextAuditRows(connection: Connection, { after, limit }: Next): Promise<OldSource[]> {
  return queryRows<Row & OldSource>(connection, "select id, at from mm_audit where id > ? order by id limit ?", [
    after,
    limit,
  ]);
}

/** Those of these rows of the audit trail that may go: all but the newest. */
export async function unneededAuditRows(connection: Connection, ids: readonly number[]): Promise<number[]> {
  const [newest] = await queryRows<{ id: number | null }>(connection, "select max(id) as id from mm_audit");
  return ids.filter((id) => id < Number(newest?.id ?? 0));
}

/** Deletes rows of the audit trail; returns how many. */
export async function deleteAuditRows(tx: Connection, ids: readonly number[]): Promise<number> {
  const wanted = tx.dialect.isOneOf("id", ids);
  return execute(
    tx,
    `delete from mm_audit where ${wanted.sql} and id < (select max(id) from mm_audit)`,
    wanted.bindings,
  );
}

/** Gives free pages of a SQLite file back to the file system, where it was made for that; elsewhere nothing. */
export async function releaseFreePages(connection: Connection, pages: number): Promise<void> {
  if (connection.dialect.name !== "sqlite") return;
  // The pragma locks the file for writing also where there is nothing to give back.
  const [free] = await queryRows<{ freelist_count: number }>(connection, "pragma freelist_count");
  if (free && free.freelist_count > 0) await queryRows(connection, `pragma incremental_vacuum(${pages})`);
}
