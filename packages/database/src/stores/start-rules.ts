import type { Connection } from "../connection.ts";
import { execute, queryRows, upsert } from "../dialect.ts";
import { longest, truncateText } from "./column-text.ts";

/** What the config says of a worker, as JSON texts and numbers. */
export interface WorkerRule {
  readonly workerid: number;
  readonly capacity: number | null;
  readonly hours: string | null;
}

const isPlain = ({ capacity, hours }: WorkerRule) => capacity === null && hours === null;

/** Makes the rules of these workers exactly these. Writes only what differs. */
export async function saveWorkerRules(tx: Connection, rules: readonly WorkerRule[]): Promise<void> {
  const known = new Map((await readWorkerRules(tx, ids(rules))).map((rule) => [rule.workerid, rule]));
  const changed = rules.filter((rule) => {
    const old = known.get(rule.workerid);
    return old ? old.capacity !== rule.capacity || old.hours !== rule.hours : !isPlain(rule);
  });
  const plain = changed.filter(isPlain);
  if (plain.length > 0) {
    const which = tx.dialect.isOneOf("workerid", ids(plain));
    await execute(tx, `delete from mm_worker_rules where ${which.sql}`, which.bindings);
  }
  const rows = changed
    .filter((rule) => !isPlain(rule))
    .sort((a, b) => a.workerid - b.workerid)
    .map(({ workerid, capacity, hours }) => ({ workerid, capacity, hours }));
  await upsert(tx, { table: "mm_worker_rules", rows, key: ["workerid"] });
}

const ids = (rules: readonly WorkerRule[]) => rules.map(({ workerid }) => workerid);

/** The rules of those of these workers that have any. */
export async function readWorkerRules(connection: Connection, workerids: readonly number[]): Promise<WorkerRule[]> {
  if (workerids.length === 0) return [];
  const wanted = connection.dialect.isOneOf("workerid", workerids);
  return queryRows<WorkerRule>(
    connection,
    `select workerid, capacity, hours from mm_worker_rules where ${wanted.sql}`,
    wanted.bindings,
  );
}

/**
 * What keeps a request from a worker at one engine; 0: any request of the builder, or any worker. Less than 0: of instances of a
 * latent worker, the first of whose workers that the builder names has this id without the sign.
 */
export interface StartRefusal {
  readonly builderid: number;
  readonly buildrequestid: number;
  readonly workerid: number;
  readonly option: string;
  readonly why: string;
  /** When the function is asked again, in seconds since 1970. */
  readonly until: number | null;
}

const keyColumns = ["masterid", "builderid", "buildrequestid", "workerid"] as const;

/** Writes and deletes what one engine has found out; of its earlier incarnations nothing stays. */
export async function saveStartRefusals(
  tx: Connection,
  { masterid, epoch }: { masterid: number; epoch: number },
  { found, gone }: { readonly found: readonly StartRefusal[]; readonly gone: readonly StartRefusal[] },
): Promise<void> {
  await execute(tx, "delete from mm_start_refusals where masterid = ? and epoch <> ?", [masterid, epoch]);
  for (const { builderid, buildrequestid, workerid } of gone)
    await execute(
      tx,
      "delete from mm_start_refusals where masterid = ? and builderid = ? and buildrequestid = ? and workerid = ?",
      [masterid, builderid, buildrequestid, workerid],
    );
  const rows = found.map(({ why, ...refusal }) => ({
    masterid,
    epoch,
    ...refusal,
    why: truncateText(why, longest.sentence),
  }));
  await upsert(tx, { table: "mm_start_refusals", rows, key: [...keyColumns] });
}

/** What engines have written in their present incarnation of these builders. */
export async function readStartRefusals(
  connection: Connection,
  builderids: readonly number[],
): Promise<(StartRefusal & { readonly masterid: number })[]> {
  const wanted = connection.dialect.isOneOf("f.builderid", builderids);
  return queryRows(
    connection,
    `select f.masterid, f.builderid, f.buildrequestid, f.workerid, f.option, f.why, f.until
       from mm_start_refusals f join mm_leases l on l.masterid = f.masterid and l.epoch = f.epoch
      where ${wanted.sql} order by f.masterid, f.buildrequestid, f.workerid`,
    wanted.bindings,
  );
}

/** For which requests workers keep their free capacity, whatever their builders. */
export async function readKeptCapacities(
  connection: Connection,
  workerids: readonly number[],
): Promise<{ masterid: number; workerid: number; builderid: number; buildrequestid: number }[]> {
  if (workerids.length === 0) return [];
  const wanted = connection.dialect.isOneOf("f.workerid", workerids);
  return queryRows(
    connection,
    `select f.masterid, f.workerid, f.builderid, f.buildrequestid
       from mm_start_refusals f join mm_leases l on l.masterid = f.masterid and l.epoch = f.epoch
      where f.option = 'capacity' and ${wanted.sql}`,
    wanted.bindings,
  );
}

/** A request that a rule of its builder runs again. */
export interface RequestRetry {
  readonly buildrequestid: number;
  readonly retries: number;
  /** Seconds since 1970. */
  readonly retryAt: number;
  readonly detail: string;
}

/** Counts that a request is run again, and notes from when on. Returns how often that has happened. */
export async function noteRetry(
  tx: Connection,
  buildrequestid: number,
  { delayS, detail }: { readonly delayS: number; readonly detail: string },
): Promise<number> {
  const rows = await queryRows<{ retries: number }>(
    tx,
    `insert into mm_request_retries (buildrequestid, retries, retry_at, detail)
     values (?, 1, ${tx.dialect.now} + cast(? as double precision), ?)
     on conflict (buildrequestid) do update set retries = mm_request_retries.retries + 1, retry_at = excluded.retry_at,
       detail = excluded.detail
     returning retries`,
    [buildrequestid, delayS, truncateText(detail, longest.sentence)],
  );
  return rows[0]?.retries ?? 1;
}

/** The same without counting: only when it may be claimed again. */
export async function noteDelay(tx: Connection, buildrequestid: number, delayS: number, detail: string): Promise<void> {
  await execute(
    tx,
    `insert into mm_request_retries (buildrequestid, retries, retry_at, detail)
     values (?, 0, ${tx.dialect.now} + cast(? as double precision), ?)
     on conflict (buildrequestid) do update set retry_at = excluded.retry_at, detail = excluded.detail`,
    [buildrequestid, delayS, truncateText(detail, longest.sentence)],
  );
}

/** How many builds a request has had; counts no further than `most`. */
export async function countBuilds(tx: Connection, buildrequestid: number, most: number): Promise<number> {
  const rows = await queryRows<{ count: number }>(
    tx,
    `select count(*) as count from (select 1 from builds where buildrequestid = ? limit ${most}) b`,
    [buildrequestid],
  );
  return Number(rows[0]?.count ?? 0);
}

/** How often a request has been run again by a rule. */
export async function countRetries(tx: Connection, buildrequestid: number): Promise<number> {
  const rows = await queryRows<{ retries: number }>(
    tx,
    "select retries from mm_request_retries where buildrequestid = ?",
    [buildrequestid],
  );
  return rows[0]?.retries ?? 0;
}
