import type { Connection } from "../connection.ts";
import { execute, queryRows } from "../dialect.ts";
import { fitNullable, fitText } from "./column-text.ts";

/** One line of the audit trail. */
export interface AuditRow {
  readonly who: string;
  readonly name: string;
  readonly by: string;
  readonly address: string | null;
  readonly action: string;
  readonly object: string;
  readonly outcome: "done" | "refused" | "failed";
  readonly detail?: string | null;
  readonly times?: number;
}

export async function insertAuditRow(tx: Connection, row: AuditRow): Promise<void> {
  await execute(
    tx,
    `insert into mm_audit (at, who, name, by_what, address, action, object, outcome, detail, times)
     values (${tx.dialect.now}, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [
      fitText(row.who, 255),
      fitText(row.name, 255),
      fitText(row.by, 16),
      fitNullable(row.address, 64),
      fitText(row.action, 64),
      fitText(row.object, 255),
      row.outcome,
      fitNullable(row.detail, 1000),
      row.times ?? 1,
    ],
  );
}

/** Keeps the newest rows: so many of what was done, and so many of what was not, so that the one never pushes out the other. */
export async function pruneAuditRows(connection: Connection, keep: { done: number; others: number }): Promise<number> {
  let deleted = 0;
  for (const [outcome, count] of [
    ["done", keep.done],
    ["refused", keep.others],
    ["failed", keep.others],
  ] as const)
    deleted += await execute(
      connection,
      `delete from mm_audit where outcome = ? and id <= (
         select id from mm_audit where outcome = ? order by id desc limit 1 offset ?)`,
      [outcome, outcome, count],
    );
  return deleted;
}

/** Who asked for a buildset, as the server knew them. */
export async function insertAsker(
  tx: Connection,
  buildsetid: number,
  { identity, name }: { readonly identity: string; readonly name: string },
): Promise<void> {
  await execute(tx, "insert into mm_askers (buildsetid, identity, name) values (?, ?, ?)", [
    buildsetid,
    fitText(identity, 255),
    fitText(name, 255),
  ]);
}

/** What a build triggers is asked for by who asked for the build. */
export async function inheritAsker(tx: Connection, buildsetid: number, parentBuildid: number): Promise<void> {
  await execute(
    tx,
    `insert into mm_askers (buildsetid, identity, name)
     select cast(? as integer), a.identity, a.name from builds b join buildrequests r on r.id = b.buildrequestid
       join mm_askers a on a.buildsetid = r.buildsetid where b.id = ?`,
    [buildsetid, parentBuildid],
  );
}

/** The identity of who asked for a build request; undefined: no one did, or it was before this was kept. */
export async function askerOfRequest(connection: Connection, buildrequestid: number): Promise<string | undefined> {
  const [row] = await queryRows<{ identity: string }>(
    connection,
    "select a.identity from buildrequests r join mm_askers a on a.buildsetid = r.buildsetid where r.id = ?",
    [buildrequestid],
  );
  return row?.identity;
}
