import type { Connection } from "../connection.ts";
import { execute, queryRows } from "../dialect.ts";

/** How much of artifacts and caches is kept. Times are in seconds. */
export interface ArtifactBounds {
  readonly keepForSeconds: number | null;
  readonly keepBuilds: number | null;
  readonly cacheUnusedSeconds: number;
  readonly cacheBytes: number;
}

/** Objects that one round removes. */
const mostRemoved = 200;

/**
 * Seconds after the end of a build in which what it left of an upload is not touched: an engine that has lost its lease may
 * still be writing.
 */
export const leftoverSeconds = 120;

/** As the index of such rows says it: SQLite takes that for no other condition. */
const isUnsettled = "state <> 'complete'";

/** Seconds after which another master takes over what one was removing. */
const abandonedSeconds = 600;

/** Artifacts that one statement marks. */
const mostMarked = 1000;

/** Builds that end between two rounds; after more, all builders are looked at. */
const mostEnded = 5000;

export interface Expiry {
  /** Artifacts and caches that are no longer kept. */
  readonly expired: number;
  /** False: more of them are due now. */
  readonly isWhole: boolean;
  /** When the round began, in seconds since 1970: the next one begins there if this one is whole. */
  readonly at: number;
}

/**
 * Marks what is to be removed: leftovers of uploads, and what the bounds do not keep. `since` is the beginning of the last whole
 * round: of builders without a build that has ended since, no older build is due. Null: there was no such round.
 */
export async function expireArtifacts(
  connection: Connection,
  bounds: ArtifactBounds,
  since: number | null,
): Promise<Expiry> {
  const { now } = connection.dialect;
  // As a value: of a moment that is asked for row by row no index knows anything.
  const [{ at } = { at: 0 }] = await queryRows<{ at: number }>(connection, `select ${now} as at`);
  await execute(
    connection,
    `update mm_artifacts set state = 'removing', reason = 'its upload ended early' where ${isUnsettled} and state = 'uploading'
       and not exists (select 1 from builds b where b.id = mm_artifacts.buildid and (b.complete_at is null
         or b.complete_at > ${now} - ${leftoverSeconds}) and b.masterid = mm_artifacts.masterid)
       and created_at < ${now} - ${leftoverSeconds}`,
  );
  let [expired, isWhole] = [0, true];
  const expire = async (reason: string, order: string, condition: string, bindings: readonly unknown[]) => {
    const rows = await queryRows<{ artifactid: number }>(
      connection,
      `select a.artifactid from mm_artifacts a where a.state = 'complete' and ${condition} order by ${order} limit ${mostMarked}`,
      bindings,
    );
    if (rows.length === 0) return;
    const due = connection.dialect.isOneOf(
      "artifactid",
      rows.map(({ artifactid }) => artifactid),
    );
    const sql = `update mm_artifacts set state = 'removing', reason = ? where ${due.sql} and state = 'complete'`;
    const marked = await execute(connection, sql, [reason, ...due.bindings]);
    if (rows.length === mostMarked) isWhole = false;
    expired += marked;
  };
  // A later step of a build that runs may want them, and a build that a user keeps keeps its own.
  const isFree = `a.cache_scope is null
    and exists (select 1 from builds b where b.id = a.buildid and b.complete_at is not null)
    and not exists (select 1 from mm_kept_builds k where k.buildid = a.buildid)`;
  if (bounds.keepForSeconds !== null)
    await expire("old", "a.created_at", `${isFree} and a.created_at < ?`, [at - bounds.keepForSeconds]);
  const older = bounds.keepBuilds === null ? [] : await listNewestOlder(connection, bounds.keepBuilds, since);
  for (const { builderid, fork, buildid } of older) {
    const condition = `${isFree} and a.builderid = ? and a.from_fork = ? and a.buildid <= ?`;
    await expire("of an older build", "a.buildid", condition, [builderid, fork, buildid]);
  }
  const isCache = "a.cache_scope is not null";
  await expire("not used", "a.used_at", `${isCache} and a.used_at < ?`, [at - bounds.cacheUnusedSeconds]);
  await expire(
    "there are too many caches",
    "a.used_at",
    `${isCache} and a.artifactid in (select artifactid from (
       select o.artifactid, sum(o.size) over (order by o.used_at desc, o.artifactid desc) as total
         from mm_artifacts o where o.cache_scope is not null and o.state = 'complete') c where c.total > ?)`,
    [bounds.cacheBytes],
  );
  return { expired, isWhole, at };
}

/**
 * Of each builder that has artifacts of more builds than are kept: the newest build whose artifacts are not. Builds of forks are
 * counted apart: strangers must not make the others' artifacts go. Only builders with a build that has ended since are asked.
 */
async function listNewestOlder(
  connection: Connection,
  keepBuilds: number,
  since: number | null,
): Promise<{ builderid: number; fork: number; buildid: number }[]> {
  const builders = since === null ? undefined : await listBusyBuilders(connection, since);
  const among = builders && connection.dialect.isOneOf("b.id", builders);
  // From one build with artifacts to the next one, by an index: a build may have very many.
  const next = (of: string, below: string) => `(select a.buildid from mm_artifacts a
     where a.builderid = ${of}.id and a.from_fork = f.fork and a.state = 'complete' and a.cache_scope is null ${below}
     order by a.buildid desc limit 1)`;
  return queryRows(
    connection,
    `with recursive kept(id, fork, buildid, place) as (
       select b.id, f.fork, ${next("b", "")}, 1
         from builders b, (select 0 as fork union all select 1) f where ${among?.sql ?? "b.id is not null"}
       union all
       select f.id, f.fork, ${next("f", "and a.buildid < f.buildid")}, f.place + 1
         from kept f where f.place <= ? and f.buildid is not null)
     select id as builderid, fork, buildid from kept where place = ? and buildid is not null`,
    [...(among?.bindings ?? []), keepBuilds, keepBuilds + 1],
  );
}

/** Builders of which a build has ended since, and some more; undefined: there are very many such builds. */
async function listBusyBuilders(connection: Connection, since: number): Promise<number[] | undefined> {
  // The row of a build that ends is seen some time after the moment that it names.
  const from = Math.floor(since) - leftoverSeconds;
  const rows = await queryRows<{ builderid: number }>(
    connection,
    `select builderid from builds where complete_at >= ? order by complete_at limit ${mostEnded}`,
    [from],
  );
  return rows.length < mostEnded ? [...new Set(rows.map(({ builderid }) => builderid))] : undefined;
}

/** Marks the artifacts of builds that are deleted. */
export async function removeArtifactsOf(tx: Connection, buildids: readonly number[]): Promise<void> {
  const wanted = tx.dialect.isOneOf("buildid", buildids);
  await execute(
    tx,
    `update mm_artifacts set state = 'removing', reason = 'of a build that is gone'
      where ${wanted.sql} and state = 'complete' and cache_scope is null`,
    wanted.bindings,
  );
}

/** An object that this master removes now. */
export interface RemovableObject {
  readonly artifactid: number;
  readonly key: string;
}

/** Takes objects to remove; no other master takes them for a while. */
export async function takeRemovable(connection: Connection): Promise<RemovableObject[]> {
  const { now, updateLock, skipLocked } = connection.dialect;
  const lock = updateLock === "" ? "" : `${updateLock}${skipLocked}`;
  return queryRows<RemovableObject>(
    connection,
    `update mm_artifacts set removing_at = ${now} where artifactid in (
       select artifactid from mm_artifacts where ${isUnsettled} and state = 'removing'
         and (removing_at is null or removing_at < ${now} - ${abandonedSeconds}) order by artifactid limit ${mostRemoved}${lock})
     returning artifactid, object_key as "key"`,
  );
}

/** Deletes the rows of objects that are gone. */
export async function deleteArtifactRows(connection: Connection, artifactids: readonly number[]): Promise<void> {
  const ids = connection.dialect.isOneOf("artifactid", artifactids);
  await execute(connection, `delete from mm_artifacts where state = 'removing' and ${ids.sql}`, ids.bindings);
}

/** Every key of which there is a row, in pages: the rows after this one. */
export function readObjectKeys(
  connection: Connection,
  afterId: number,
): Promise<{ artifactid: number; key: string; state: string; name: string; size: number | null }[]> {
  return queryRows(
    connection,
    `select artifactid, object_key as "key", state, name, size from mm_artifacts where artifactid > ?
      order by artifactid limit 5000`,
    [afterId],
  );
}

/** What the artifact store holds according to the rows. */
export async function countArtifacts(
  connection: Connection,
): Promise<{ kind: "artifacts" | "caches" | "removing"; count: number; bytes: number }[]> {
  const rows = await queryRows<{ kind: "artifacts" | "caches" | "removing"; count: number; bytes: number }>(
    connection,
    `select case when state = 'removing' then 'removing' when cache_scope is null then 'artifacts' else 'caches' end as kind,
            count(*) as count, coalesce(sum(size), 0) as bytes from mm_artifacts group by 1`,
  );
  return rows.map(({ kind, count, bytes }) => ({ kind, count: Number(count), bytes: Number(bytes) }));
}
