import { isLeaseLive } from "../conditions.ts";
import type { Connection } from "../connection.ts";
import { queryRows } from "../dialect.ts";

/** An engine that can take the workers of another one: it has the same builder sets. */
export interface EngineLoad {
  masterid: number;
  /** It takes workers and builds: it neither starts nor drains. */
  running: boolean;
  release: string;
  /** Seconds since it joined. */
  age: number;
  workers: number;
}

/** The live engines that have the same builder sets as this one, itself included, with the workers attached to each. */
export async function readEngineLoads(connection: Connection, masterid: number): Promise<EngineLoad[]> {
  const { now } = connection.dialect;
  const rows = await queryRows<Omit<EngineLoad, "running"> & { running: number; roles: string }>(
    connection,
    `select l.masterid, l.release, l.roles, ${now} - l.joined_at as age,
       case when l.state = 'running' and not exists (
         select 1 from mm_orders o where o.masterid = l.masterid and o.epoch = l.epoch and o.kind = 'drain'
           and o.ended_at is null and o.undone_at is null) then 1 else 0 end as running,
       (select count(*) from mm_worker_attachments a where a.masterid = l.masterid) as workers
     from mm_leases l join mm_leases mine on mine.masterid = ? and mine.builder_sets = l.builder_sets
     where ${isLeaseLive("l", now)}
     order by l.masterid`,
    [masterid],
  );
  return rows.flatMap(({ roles, running, workers, ...load }) =>
    (JSON.parse(roles) as string[]).includes("builder-engine")
      ? { ...load, workers: Number(workers), running: running === 1 }
      : [],
  );
}
