import { type Connection, execute, queryRows } from "@multimaster/database";

/** The limit for a builder whose engine, of an earlier release, has not said one. */
export const defaultMaxEngineDeaths = 3;

/** Requests that are not built again, with how often their engine died. */
export type Exhausted = ReadonlyMap<number, number>;

/**
 * Counts the death of an engine for requests whose build ran on it, and returns those that have reached their builder's
 * limit. The caller has locked the requests' rows. A build that kills its engine would otherwise kill one after another.
 */
export async function countEngineDeaths(
  tx: Connection,
  masterid: number,
  requestIds: readonly number[],
): Promise<Exhausted> {
  if (requestIds.length === 0) return new Map();
  const deaths = await countLosses(tx, "engine_deaths", requestIds);
  const wanted = tx.dialect.isOneOf("r.id", requestIds);
  const limits = await queryRows<{ id: number; known: number; max_engine_deaths: number | null }>(
    tx,
    `select r.id, l.max_engine_deaths, case when l.masterid is null then 0 else 1 end as known
     from buildrequests r left join mm_builder_limits l on l.builderid = r.builderid and l.masterid = ?
     where ${wanted.sql}`,
    [masterid, ...wanted.bindings],
  );
  const exhausted = new Map<number, number>();
  for (const { id, known, max_engine_deaths: max } of limits) {
    const limit = known === 1 ? (max ?? Number.POSITIVE_INFINITY) : defaultMaxEngineDeaths;
    const count = deaths.get(id) ?? 0;
    if (count >= limit) exhausted.set(id, count);
  }
  return exhausted;
}

/** Counts that a build of this request was lost with its worker; returns how often that has happened. */
export async function countWorkerLoss(tx: Connection, requestId: number): Promise<number> {
  return (await countLosses(tx, "worker_losses", [requestId])).get(requestId) ?? 0;
}

/** Notes why a request is not built again, for those who ask. */
export async function noteExhausted(tx: Connection, requestId: number, detail: string): Promise<void> {
  await execute(tx, "update mm_request_losses set detail = ? where buildrequestid = ?", [detail, requestId]);
}

async function countLosses(
  tx: Connection,
  column: "engine_deaths" | "worker_losses",
  requestIds: readonly number[],
): Promise<Map<number, number>> {
  const wanted = tx.dialect.isOneOf("id", requestIds);
  const first = { engine_deaths: 0, worker_losses: 0, [column]: 1 };
  const rows = await queryRows<{ buildrequestid: number; count: number }>(
    tx,
    `insert into mm_request_losses (buildrequestid, engine_deaths, worker_losses, lost_at)
     select id, ${first.engine_deaths}, ${first.worker_losses}, ${tx.dialect.now} from buildrequests where ${wanted.sql}
     on conflict (buildrequestid) do update set ${column} = mm_request_losses.${column} + 1, lost_at = excluded.lost_at
     returning buildrequestid, ${column} as count`,
    wanted.bindings,
  );
  return new Map(rows.map(({ buildrequestid, count }) => [buildrequestid, count]));
}
