import type { Connection } from "../connection.ts";
import { insertIgnore, queryRows } from "../dialect.ts";

/** Finds or creates a job of the cluster; returns its id. */
export async function findOrCreateJob(tx: Connection, name: string): Promise<number> {
  await insertIgnore(tx, { table: "mm_jobs", rows: [{ name }], conflict: ["name"], returning: ["id"] });
  const [row] = await queryRows<{ id: number }>(tx, "select id from mm_jobs where name = ?", [name]);
  return (row as { id: number }).id;
}

/** The master that has the job; null: none. */
export async function jobHolder(connection: Connection, jobid: number): Promise<number | null> {
  const [row] = await queryRows<{ masterid: number }>(
    connection,
    "select masterid from mm_job_claims where jobid = ?",
    [jobid],
  );
  return row?.masterid ?? null;
}

/** Whether this master has the job. Held to the end of the transaction, as `holdScheduler` does. */
export async function holdJob(tx: Connection, jobid: number, masterid: number): Promise<boolean> {
  const [row] = await queryRows<{ masterid: number }>(
    tx,
    `select masterid from mm_job_claims where jobid = ?${tx.dialect.noKeyUpdateLock}`,
    [jobid],
  );
  return row?.masterid === masterid;
}
