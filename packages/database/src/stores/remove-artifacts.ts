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

/** Seconds after which another master takes over what one was removing. */
const abandonedSeconds = 600;

/** Marks what is to be removed: leftovers of uploads, and what the bounds do not keep. Returns how many artifacts expired. */
export async function expireArtifacts(connection: Connection, bounds: ArtifactBounds): Promise<number> {
  const { now } = connection.dialect;
  await execute(
    connection,
    `update mm_artifacts set state = 'removing', reason = 'its upload ended early' where state = 'uploading'
       and not exists (select 1 from builds b where b.id = mm_artifacts.buildid and (b.complete_at is null
         or b.complete_at > ${now} - ${leftoverSeconds}) and b.masterid = mm_artifacts.masterid)
       and created_at < ${now} - ${leftoverSeconds}`,
  );
  let expired = 0;
  const expire = async (reason: string, condition: string, bindings: readonly unknown[]) => {
    const sql = `update mm_artifacts set state = 'removing', reason = ? where artifactid in
      (select a.artifactid from mm_artifacts a where a.state = 'complete' and ${condition} limit 1000)`;
    expired += await execute(connection, sql, [reason, ...bindings]);
  };
  await expire(
    "of a build that is gone",
    "a.cache_scope is null and not exists (select 1 from builds b where b.id = a.buildid)",
    [],
  );
  // A later step of a build that runs may want them.
  const ended =
    "a.cache_scope is null and exists (select 1 from builds b where b.id = a.buildid and b.complete_at is not null)";
  if (bounds.keepForSeconds !== null)
    await expire("old", `${ended} and a.created_at < ${now} - ?`, [bounds.keepForSeconds]);
  for (const { builderid, fork, oldest } of await listOldestKept(connection, bounds.keepBuilds))
    await expire("of an older build", `${ended} and a.builderid = ? and a.from_fork = ? and a.buildid < ?`, [
      builderid,
      fork,
      oldest,
    ]);
  await expire("not used", `a.cache_scope is not null and a.used_at < ${now} - ?`, [bounds.cacheUnusedSeconds]);
  await expire(
    "there are too many caches",
    `a.cache_scope is not null and a.artifactid in (select artifactid from (
       select o.artifactid, sum(o.size) over (order by o.used_at desc, o.artifactid desc) as total
         from mm_artifacts o where o.cache_scope is not null and o.state = 'complete') c where c.total > ?)`,
    [bounds.cacheBytes],
  );
  return expired;
}

/**
 * Of each builder that has artifacts of more builds than are kept: the oldest build whose artifacts are. Builds of forks are counted
 * apart: strangers must not make the others' artifacts go.
 */
async function listOldestKept(
  connection: Connection,
  keepBuilds: number | null,
): Promise<{ builderid: number; fork: number; oldest: number }[]> {
  if (keepBuilds === null) return [];
  return queryRows(
    connection,
    `select builderid, from_fork as fork, buildid as oldest from (
       select builderid, from_fork, buildid, row_number() over (partition by builderid, from_fork order by buildid desc) as place
         from (select distinct builderid, from_fork, buildid from mm_artifacts
                where state = 'complete' and cache_scope is null) d) p
      where place = ?`,
    [keepBuilds],
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
       select artifactid from mm_artifacts where state = 'removing'
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
