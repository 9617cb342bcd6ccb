import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import type { Connection } from "../connection.ts";
import { queryRows } from "../dialect.ts";

/** The job of retention, if any master ever had it, and its latest run. */
export interface RetentionHealth {
  readonly job: { readonly master: string | null } | undefined;
  readonly run: { readonly started_at: number; readonly ended_at: number | null } | undefined;
}

export async function readRetentionHealth(connection: Connection): Promise<RetentionHealth> {
  const [job] = await queryRows<{ master: string | null }>(
    connection,
    `select m.name as master from mm_jobs j left join mm_job_claims c on c.jobid = j.id left join masters m on m.id = c.masterid
      where j.name = 'retention'`,
  );
  const [run] = await queryRows<{ started_at: number; ended_at: number | null }>(
    connection,
    "select started_at, ended_at from mm_retention_runs order by id desc limit 1",
  );
  return { job, run };
}

/** How the reporters of the newest config fare. */
export interface ReporterHealth {
  readonly reporters: number;
  /** Those whose every attempt fails, and since when the first of them. */
  readonly failing: number;
  readonly failing_since: number | null;
  /** Those that owe reports and have no master that sends them. */
  readonly unsent: number;
  /** Reports that were given up, at most a thousand. */
  readonly dead: number;
}

export async function readReporterHealth(connection: Connection): Promise<ReporterHealth> {
  const [all] = await queryRows<{ [name in keyof ReporterHealth]: number | null }>(
    connection,
    `select count(*) as reporters, count(rp.failing_since) as failing, min(rp.failing_since) as failing_since,
            count(case when rm.masterid is null and exists (
              select 1 from mm_reports o where o.reporterid = rp.id and o.state = 'owed') then 1 end) as unsent
       from mm_reporters rp left join mm_reporter_masters rm on rm.reporterid = rp.id
      where rp.configured = 1 and rp.type <> 'hand-out'`,
  );
  const [given] = await queryRows<{ n: number }>(
    connection,
    "select count(*) as n from (select 1 from mm_reports where state = 'dead' limit 1000) d",
  );
  const since = all?.failing_since;
  return {
    reporters: Number(all?.reporters ?? 0),
    failing: Number(all?.failing ?? 0),
    failing_since: since == null ? null : Math.floor(Number(since)),
    unsent: Number(all?.unsent ?? 0),
    dead: Number(given?.n ?? 0),
  };
}

/** Bytes that are free for the file of a SQLite database; undefined: it has none, or its disk does not say. */
export async function readFreeSpace(connection: Connection): Promise<number | undefined> {
  if (connection.dialect.name !== "sqlite") return undefined;
  const [main] = await queryRows<{ file: string }>(connection, "pragma database_list");
  if (!main?.file) return undefined;
  try {
    const { bavail, bsize } = await statfs(dirname(main.file));
    return bavail * bsize;
  } catch {
    return undefined;
  }
}
