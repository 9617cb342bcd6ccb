import type { MasterEnd } from "@multimaster/cluster";
import { type Connection, execute, queryRows } from "@multimaster/database";

/** Losses that end a request, by what they were counted for, where the engine of its builder has written no limit. */
export const defaultLossLimits: Readonly<Record<MasterEnd, number>> = { death: 3, leave: 10 };

interface Loss {
  column: "engine_deaths" | "worker_losses";
  /** Where engines write the limits of their builders. */
  limits: { table: string; column: string };
  /** The limit for a builder whose engine, of an earlier release, wrote none. */
  byDefault: number;
}

/** A master that leaves immediately counts as a lost worker does: operators restart more often than engines die. */
const losses: Record<MasterEnd, Loss> = {
  death: {
    column: "engine_deaths",
    limits: { table: "mm_builder_limits", column: "max_engine_deaths" },
    byDefault: defaultLossLimits.death,
  },
  leave: {
    column: "worker_losses",
    limits: { table: "mm_builder_loss_limits", column: "max_worker_losses" },
    byDefault: defaultLossLimits.leave,
  },
};

/** Requests that are not built again, with how often they were lost. */
export type Exhausted = ReadonlyMap<number, number>;

/**
 * Counts the end of a master for requests whose build ran on it, and returns those that have reached their builder's
 * limit. The caller has locked the requests' rows. A build that ends its engine would otherwise end one after another.
 */
export async function countMasterEnds(
  tx: Connection,
  end: MasterEnd,
  masterid: number,
  requestIds: readonly number[],
): Promise<Exhausted> {
  if (requestIds.length === 0) return new Map();
  const { column, limits, byDefault } = losses[end];
  const counts = await countLosses(tx, column, requestIds);
  const wanted = tx.dialect.isOneOf("r.id", requestIds);
  const rows = await queryRows<{ id: number; known: number; most: number | null }>(
    tx,
    `select r.id, l.${limits.column} as most, case when l.masterid is null then 0 else 1 end as known
     from buildrequests r left join ${limits.table} l on l.builderid = r.builderid and l.masterid = ?
     where ${wanted.sql}`,
    [masterid, ...wanted.bindings],
  );
  const exhausted = new Map<number, number>();
  for (const { id, known, most } of rows) {
    const limit = known === 1 ? (most ?? Number.POSITIVE_INFINITY) : byDefault;
    const count = counts.get(id) ?? 0;
    if (count >= limit) exhausted.set(id, count);
  }
  return exhausted;
}

/** Counts that a build of this request was lost with its worker, or released immediately; returns how often that has happened. */
export async function countWorkerLoss(tx: Connection, requestId: number): Promise<number> {
  return (await countLosses(tx, "worker_losses", [requestId])).get(requestId) ?? 0;
}

/** How builds end, and what their request shows, if it was lost too often: with its worker, or released immediately. */
export function describeWorkerLosses(cause: string, count: number): string {
  return `exception (${cause}; this request was lost with its worker, or with a master that was stopped at once, ${timesOf(count)}, and is not built again: maxWorkerLosses)`;
}

/** The same when the master has ended without ending its builds. */
export function describeMasterEnds(end: MasterEnd, name: string, count: number): string {
  if (end === "leave") return describeWorkerLosses(`master ${name} was stopped`, count);
  return `exception (master ${name} was lost; a master was lost ${timesOf(count)} while it built this request, which is not built again: maxEngineDeaths)`;
}

/** Notes why a request is not built again, for those who ask. */
export async function noteExhausted(tx: Connection, requestId: number, detail: string): Promise<void> {
  await execute(tx, "update mm_request_losses set detail = ? where buildrequestid = ?", [detail, requestId]);
}

export const timesOf = (count: number) => (count === 1 ? "once" : `${count} times`);

async function countLosses(
  tx: Connection,
  column: Loss["column"],
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
