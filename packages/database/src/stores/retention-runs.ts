import type { Connection } from "../connection.ts";
import { execute, queryRows } from "../dialect.ts";

/** A run of retention, as its row has it. */
export interface RetentionRunRow {
  id: number;
  started_at: number;
  ended_at: number | null;
  position: string | null;
  report: string;
  /** Seconds since it ended, by the database's clock; null while it goes on. */
  ended_ago: number | null;
}

/** Runs whose reports are kept. */
const runsKept = 50;

/** The newest run. */
export async function latestRetentionRun(connection: Connection): Promise<RetentionRunRow | undefined> {
  const [row] = await queryRows<RetentionRunRow>(
    connection,
    `select id, started_at, ended_at, position, report, ${connection.dialect.now} - ended_at as ended_ago
       from mm_retention_runs order by id desc limit 1`,
  );
  return row;
}

/** Begins a run, and deletes the reports of old ones. */
export async function insertRetentionRun(tx: Connection, masterid: number, report: string): Promise<number> {
  const [row] = await queryRows<{ id: number }>(
    tx,
    `insert into mm_retention_runs (masterid, started_at, ended_at, position, report)
     values (?, ${tx.dialect.now}, null, null, ?) returning id`,
    [masterid, report],
  );
  const { id } = row as { id: number };
  await execute(tx, "delete from mm_retention_runs where id <= ?", [id - runsKept]);
  return id;
}

/** Notes how far a run got and what it did; `isOver`: it has ended. */
export async function updateRetentionRun(
  tx: Connection,
  id: number,
  run: {
    readonly masterid: number;
    readonly position: string | null;
    readonly report: string;
    readonly isOver: boolean;
  },
): Promise<void> {
  await execute(
    tx,
    `update mm_retention_runs set masterid = ?, position = ?, report = ?, ended_at = ${run.isOver ? tx.dialect.now : "null"}
      where id = ?`,
    [run.masterid, run.position, run.report, id],
  );
}
