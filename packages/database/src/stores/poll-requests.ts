import type { Connection } from "../connection.ts";
import { execute, queryRows } from "../dialect.ts";

/** Asks for a look; asked for again before that, it is one request. */
export async function insertPollRequest(tx: Connection, changesourceid: number): Promise<void> {
  await execute(
    tx,
    `insert into mm_poll_requests (changesourceid, requested_at) values (?, ${tx.dialect.now})
      on conflict (changesourceid) do update set requested_at = excluded.requested_at`,
    [changesourceid],
  );
}

/** Those of these change sources for which a poll was requested. */
export async function findPollRequests(connection: Connection, changesourceids: readonly number[]): Promise<number[]> {
  const wanted = connection.dialect.isOneOf("changesourceid", changesourceids);
  const rows = await queryRows<{ changesourceid: number }>(
    connection,
    `select changesourceid from mm_poll_requests where ${wanted.sql}`,
    wanted.bindings,
  );
  return rows.map(({ changesourceid }) => changesourceid);
}

/** Takes requests away; returns those that were still there and whose change source this master has. */
export async function takePollRequests(
  tx: Connection,
  masterid: number,
  changesourceids: readonly number[],
): Promise<number[]> {
  const wanted = tx.dialect.isOneOf("changesourceid", changesourceids);
  const rows = await queryRows<{ changesourceid: number }>(
    tx,
    `delete from mm_poll_requests where ${wanted.sql}
      and changesourceid in (select changesourceid from changesource_masters where masterid = ?) returning changesourceid`,
    [...wanted.bindings, masterid],
  );
  return rows.map(({ changesourceid }) => changesourceid);
}
