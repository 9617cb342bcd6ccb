import type { Connection } from "../connection.ts";
import { execute } from "../dialect.ts";
import { together } from "../together.ts";
import { insertRows } from "./insert-rows.ts";

/** From a line of a log on, its lines were printed at this time or later; in seconds since the epoch. */
export interface LogTime {
  readonly line: number;
  readonly at: number;
}

export function insertLogTimes(tx: Connection, logid: number, times: readonly LogTime[]): Promise<void> {
  return insert(tx, { logid, times });
}

const insert = together(async (tx, logs: readonly { logid: number; times: readonly LogTime[] }[]) => {
  const rows = logs.flatMap(({ logid, times }) => times.map(({ line, at }) => ({ logid, first_line: line, at })));
  await insertRows(tx, "mm_log_times", rows);
  return logs.map(() => undefined);
});

/** Forgets the times of logs whose text is deleted. */
export async function deleteLogTimes(tx: Connection, logids: readonly number[]): Promise<void> {
  const wanted = tx.dialect.isOneOf("logid", logids);
  await execute(tx, `delete from mm_log_times where ${wanted.sql}`, wanted.bindings);
}
