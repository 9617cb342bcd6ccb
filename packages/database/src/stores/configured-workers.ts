import type { Connection } from "../connection.ts";
import { execute, queryRows, upsert } from "../dialect.ts";
import { hashColumns } from "./hash.ts";

// Other programs, and earlier releases, have only rows in configured_workers; ours do not count beside a set.
const withoutSet = "not exists (select 1 from mm_builder_workers o where o.buildermasterid = cw.buildermasterid)";

/** SQL: ids of the workers that are configured where `condition` on the `bm` row of builder_masters holds. */
export const workersConfiguredWhere = (condition: string) => `(
  select m.workerid from mm_worker_set_members m where m.setid in (
    select bw.setid from mm_builder_workers bw join builder_masters bm on bm.id = bw.buildermasterid where ${condition})
  union all
  select cw.workerid from configured_workers cw join builder_masters bm on bm.id = cw.buildermasterid
   where ${condition} and ${withoutSet})`;

/** SQL: ids of the builders for which the worker is configured whose id the SQL `workerid` says. */
export const buildersConfiguredFor = (workerid: string) => `(
  select bm.builderid from mm_builder_workers bw join builder_masters bm on bm.id = bw.buildermasterid
   where bw.setid in (select m.setid from mm_worker_set_members m where m.workerid = ${workerid})
  union all
  select bm.builderid from configured_workers cw join builder_masters bm on bm.id = cw.buildermasterid
   where cw.workerid = ${workerid} and ${withoutSet})`;

/** A master that has no more rows than this in configured_workers writes them whether or not another program reads them. */
const fewRows = 10_000;

/** Builders whose rows of configured_workers are written in one transaction. */
const mirroredAtOnce = 10;

interface BuilderWorkers {
  buildermasterid: number;
  setid: number;
  mirrored: number;
}

/**
 * Makes the workers of a master's builders exactly these. What it writes grows with the builders, and with the workers of
 * sets that are new; nothing is written when nothing has changed. The rows of configured_workers follow at once if they are
 * few, else by `mirrorSomeWorkers`.
 */
export async function setConfiguredWorkers(
  tx: Connection,
  workersByPlace: ReadonlyMap<number, readonly number[]>,
): Promise<void> {
  // One master after the other: sets that no one uses are deleted below.
  await tx.dialect.lockName(tx, "worker sets");
  const hashOf = new Map([...new Set(workersByPlace.values())].map((workers) => [workers, hashSet(workers)]));
  const hashes = new Map([...workersByPlace].map(([place, workers]) => [place, hashOf.get(workers) as string]));
  const wanted = new Map([...workersByPlace].map(([place, workers]) => [hashes.get(place) as string, workers]));
  const sets = await findOrCreateSets(tx, wanted);
  const pairs = [...workersByPlace.values()].reduce((sum, workers) => sum + workers.length, 0);
  const mirrored = Number(pairs <= fewRows);
  const known = tx.dialect.isOneOf("buildermasterid", [...workersByPlace.keys()]);
  const before = await queryRows<BuilderWorkers>(
    tx,
    `select buildermasterid, setid, mirrored from mm_builder_workers where ${known.sql}`,
    known.bindings,
  );
  const old = new Map(before.map((row) => [row.buildermasterid, row]));
  const changed = [...hashes].flatMap(([buildermasterid, hash]) => {
    const setid = sets.get(hash) as number;
    const row = old.get(buildermasterid);
    return row?.setid === setid && row.mirrored >= mirrored ? [] : { buildermasterid, setid, mirrored };
  });
  await upsert(tx, { table: "mm_builder_workers", rows: changed, key: ["buildermasterid"] });
  await writeMirror(
    tx,
    changed.map(({ buildermasterid }) => buildermasterid),
    mirrored === 1,
  );
  if (workersByPlace.size > 0) await deleteUnusedSets(tx);
}

/** Writes the rows of configured_workers that some builders of a master still lack; false when none does. */
export async function mirrorSomeWorkers(tx: Connection, masterid: number): Promise<boolean> {
  const rows = await queryRows<{ id: number }>(
    tx,
    `select bw.buildermasterid as id from mm_builder_workers bw join builder_masters bm on bm.id = bw.buildermasterid
      where bm.masterid = ? and bw.mirrored = 0 order by 1 limit ${mirroredAtOnce}`,
    [masterid],
  );
  const places = rows.map(({ id }) => id);
  if (places.length === 0) return false;
  await writeMirror(tx, places, true);
  const some = tx.dialect.isOneOf("buildermasterid", places);
  await execute(tx, `update mm_builder_workers set mirrored = 1 where ${some.sql}`, some.bindings);
  return true;
}

/** Brings configured_workers in step for some builders of a master, by difference; or empties it. */
async function writeMirror(tx: Connection, places: readonly number[], filled: boolean): Promise<void> {
  if (places.length === 0) return;
  const some = tx.dialect.isOneOf("buildermasterid", places);
  const stays = `and not exists (select 1 from mm_builder_workers bw join mm_worker_set_members m on m.setid = bw.setid
    where bw.buildermasterid = configured_workers.buildermasterid and m.workerid = configured_workers.workerid)`;
  await execute(tx, `delete from configured_workers where ${some.sql} ${filled ? stays : ""}`, some.bindings);
  if (!filled) return;
  await execute(
    tx,
    `insert into configured_workers (buildermasterid, workerid)
     select bw.buildermasterid, m.workerid from mm_builder_workers bw join mm_worker_set_members m on m.setid = bw.setid
      where ${tx.dialect.isOneOf("bw.buildermasterid", places).sql} order by bw.buildermasterid, m.workerid
     on conflict (buildermasterid, workerid) do nothing`,
    some.bindings,
  );
}

const sorted = (workers: readonly number[]) => [...new Set(workers)].sort((a, b) => a - b);

const hashSet = (workers: readonly number[]) => hashColumns(sorted(workers).join());

/** Ids of the sets by hash. */
async function findOrCreateSets(
  tx: Connection,
  wanted: ReadonlyMap<string, readonly number[]>,
): Promise<ReadonlyMap<string, number>> {
  const named = tx.dialect.isOneOf("hash", [...wanted.keys()]);
  const found = await queryRows<{ id: number; hash: string }>(
    tx,
    `select id, hash from mm_worker_sets where ${named.sql}`,
    named.bindings,
  );
  const ids = new Map(found.map(({ id, hash }) => [hash, id]));
  for (const [hash, workers] of wanted) {
    if (ids.has(hash)) continue;
    const [set] = await queryRows<{ id: number }>(tx, "insert into mm_worker_sets (hash) values (?) returning id", [
      hash,
    ]);
    const id = (set as { id: number }).id;
    ids.set(hash, id);
    const members = tx.dialect.isOneOf("id", sorted(workers));
    await execute(
      tx,
      `insert into mm_worker_set_members (setid, workerid) select cast(? as integer), id from workers where ${members.sql}`,
      [id, ...members.bindings],
    );
  }
  return ids;
}

/** Sets of an engine that is away stay until another one, or the same one with another config, has been configured. */
async function deleteUnusedSets(tx: Connection): Promise<void> {
  const unused = "not exists (select 1 from mm_builder_workers bw where bw.setid = mm_worker_sets.id)";
  await execute(tx, `delete from mm_worker_set_members where setid in (select id from mm_worker_sets where ${unused})`);
  await execute(tx, `delete from mm_worker_sets where ${unused}`);
}
