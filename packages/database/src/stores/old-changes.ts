import type { Connection } from "../connection.ts";
import { execute, queryRows } from "../dialect.ts";

/** A change, or a source stamp, as retention judges it. */
export interface OldSource {
  id: number;
  at: number;
  unneeded: number;
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

/** The next changes after an id, oldest first; `schedulers` are those that read changes for builds. */
export function nextChanges(
  connection: Connection,
  schedulers: readonly string[],
  { after, limit }: Next,
): Promise<OldSource[]> {
  const read = connection.dialect.isOneOf("d.name", schedulers);
  return queryRows<OldSource>(
    connection,
    `select c.changeid as id, t.created_at as at, case when ${isChangeUnneeded(read.sql)} then 1 else 0 end as unneeded
       from changes c join sourcestamps t on t.id = c.sourcestampid where c.changeid > ? order by c.changeid limit ?`,
    [...read.bindings, after, limit],
  );
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
  return queryRows<OldSource>(
    connection,
    `select t.id, t.created_at as at, case when ${isStampUnneeded} then 1 else 0 end as unneeded
       from sourcestamps t where t.id > ? order by t.id limit ?`,
    [after, limit],
  );
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

/** The next rows of the audit trail after an id, oldest first; all but the newest may go. */
export function nextAuditRows(connection: Connection, { after, limit }: Next): Promise<OldSource[]> {
  return queryRows<OldSource>(
    connection,
    `select a.id, a.at, case when a.id < (select max(id) from mm_audit) then 1 else 0 end as unneeded
       from mm_audit a where a.id > ? order by a.id limit ?`,
    [after, limit],
  );
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
