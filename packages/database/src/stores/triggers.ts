import type { Connection } from "../connection.ts";
import { execute, queryRows } from "../dialect.ts";
import { insertRows } from "./insert-rows.ts";

/** Which trigger of which open request a buildset comes from. */
export interface TriggeredRow {
  bsid: number;
  buildrequestid: number;
  slot: string;
  fingerprint: string;
}

/** What the attempts at a request have triggered until now. The caller holds the request's row. */
export async function triggeredBuildsets(
  tx: Connection,
  buildrequestid: number,
): Promise<Omit<TriggeredRow, "buildrequestid">[]> {
  return queryRows(
    tx,
    "select bsid, slot, fingerprint from mm_triggered_buildsets where buildrequestid = ? order by bsid",
    [buildrequestid],
  );
}

export async function insertTriggered(tx: Connection, row: TriggeredRow): Promise<void> {
  await insertRows(tx, "mm_triggered_buildsets", [{ ...row }]);
}

/** A buildset of an earlier attempt is from now on this build's. */
export async function adoptBuildset(tx: Connection, bsid: number, buildid: number): Promise<void> {
  await execute(tx, "update buildsets set parent_buildid = ? where id = ?", [buildid, bsid]);
}

/** The requests of a buildset with their builders' names. */
export function requestsOfBuildset(
  connection: Connection,
  bsid: number,
): Promise<{ buildrequestid: number; builder: string }[]> {
  return queryRows(
    connection,
    `select r.id as buildrequestid, b.name as builder from buildrequests r join builders b on b.id = r.builderid
      where r.buildsetid = ? order by r.id`,
    [bsid],
  );
}

/** Open requests of these buildsets that the build which triggered them waits for. */
export async function openAwaitedRequests(connection: Connection, bsids: readonly number[]): Promise<number[]> {
  const wanted = connection.dialect.isOneOf("buildsetid", bsids);
  const rows = await queryRows<{ id: number }>(
    connection,
    `select id from buildrequests where ${wanted.sql} and complete = 0 and waited_for = 1 order by id`,
    wanted.bindings,
  );
  return rows.map((row) => row.id);
}

/** Buildsets whose parent's request has ended, so that no attempt will ask for them again. */
export async function triggeredByEndedRequests(connection: Connection): Promise<number[]> {
  const rows = await queryRows<{ bsid: number }>(
    connection,
    `select t.bsid from mm_triggered_buildsets t join buildrequests r on r.id = t.buildrequestid
      where r.complete = 1 order by t.bsid limit 1000`,
  );
  return rows.map((row) => row.bsid);
}

export async function forgetTriggered(connection: Connection, bsids: readonly number[]): Promise<void> {
  const gone = connection.dialect.isOneOf("bsid", bsids);
  await execute(connection, `delete from mm_triggered_buildsets where ${gone.sql}`, gone.bindings);
}
