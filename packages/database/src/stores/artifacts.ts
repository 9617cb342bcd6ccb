import { append } from "@multimaster/core/extremes";
import type { Connection } from "../connection.ts";
import { execute, insertIgnore, queryRows } from "../dialect.ts";
import { SqlExpression } from "../sql.ts";
import { truncateText } from "./column-text.ts";

/** An artifact or cache that is about to be written. */
export interface NewArtifact {
  /** Of an artifact its name, of a cache its key. */
  readonly name: string;
  readonly key: string;
  /** Known before it is written, if it is small. */
  readonly size?: number;
  readonly sha256?: string;
}

/** What is uploaded together. */
export interface NewUpload {
  readonly uploadid: string;
  readonly buildid: number;
  readonly stepid: number;
  readonly masterid: number;
  readonly fromFork: boolean;
  /** Of a cache: whose it is. */
  readonly cacheScope?: string;
}

/** A complete artifact. */
export interface ArtifactRow {
  readonly artifactid: number;
  readonly buildid: number;
  readonly name: string;
  readonly key: string;
  readonly size: number;
  readonly sha256: string;
}

/** Longest name of an artifact. */
export const longestArtifactName = 500;

const columns = `a.artifactid, a.buildid, a.name, a.object_key as "key", a.size, a.sha256`;

const toArtifact = (row: ArtifactRow): ArtifactRow => ({ ...row, size: Number(row.size) });

/** Adds the rows of objects that are about to be written: no one sees them yet. A repeated call adds nothing. */
export async function insertArtifacts(
  tx: Connection,
  upload: NewUpload,
  artifacts: readonly NewArtifact[],
): Promise<void> {
  const [build] = await queryRows<{ builderid: number }>(tx, "select builderid from builds where id = ?", [
    upload.buildid,
  ]);
  if (!build) throw new Error(`there is no build ${upload.buildid}`);
  await insertIgnore(tx, {
    table: "mm_artifacts",
    rows: artifacts.map(({ name, key, size, sha256 }) => ({
      buildid: upload.buildid,
      builderid: build.builderid,
      stepid: upload.stepid,
      masterid: upload.masterid,
      uploadid: upload.uploadid,
      name: truncateText(name, longestArtifactName),
      object_key: key,
      from_fork: upload.fromFork ? 1 : 0,
      size: size ?? null,
      sha256: sha256 ?? null,
      state: "uploading",
      created_at: new SqlExpression(tx.dialect.now),
      cache_scope: upload.cacheScope ?? null,
      used_at: null,
    })),
    conflict: ["object_key"],
  });
}

/** Notes what was written of an object. */
export async function noteStored(
  tx: Connection,
  key: string,
  { size, sha256 }: { readonly size: number; readonly sha256: string },
): Promise<boolean> {
  const sql = "update mm_artifacts set size = ?, sha256 = ? where object_key = ? and state = 'uploading'";
  return (await execute(tx, sql, [size, sha256, key])) === 1;
}

/**
 * Makes all that was uploaded together visible; it replaces what the build has of the same names, or the scope of a cache of
 * the same key. Returns the complete rows; a repeated call returns them again.
 */
export async function publishArtifacts(tx: Connection, uploadid: string): Promise<ArtifactRow[]> {
  const [unknown] = await queryRows<{ n: number }>(
    tx,
    "select count(*) as n from mm_artifacts where uploadid = ? and (state = 'removing' or sha256 is null)",
    [uploadid],
  );
  if (Number(unknown?.n) > 0) throw new Error(`upload ${uploadid} is not complete`);
  const [upload] = await queryRows<{ buildid: number; scope: string | null }>(
    tx,
    `select buildid, cache_scope as "scope" from mm_artifacts where uploadid = ? limit 1`,
    [uploadid],
  );
  if (!upload) return [];
  // Of one build or scope, which an index finds: there may be millions of others.
  const [among, owner] =
    upload.scope === null ? ["buildid = ? and cache_scope is null", upload.buildid] : ["cache_scope = ?", upload.scope];
  await execute(
    tx,
    `update mm_artifacts set state = 'removing', reason = 'replaced' where ${among} and state = 'complete' and uploadid <> ?
       and name in (select a.name from mm_artifacts a where a.uploadid = ?)`,
    [owner, uploadid, uploadid],
  );
  await execute(
    tx,
    `update mm_artifacts set state = 'complete', used_at = ${tx.dialect.now} where uploadid = ? and state = 'uploading'`,
    [uploadid],
  );
  const rows = await queryRows<ArtifactRow>(
    tx,
    `select ${columns} from mm_artifacts a where a.uploadid = ? and a.state = 'complete' order by a.artifactid`,
    [uploadid],
  );
  return rows.map(toArtifact);
}

/** Nothing of this upload is wanted any more. */
export async function abandonUpload(tx: Connection, uploadid: string, reason: string): Promise<void> {
  await execute(
    tx,
    "update mm_artifacts set state = 'removing', reason = ? where uploadid = ? and state = 'uploading'",
    [reason, uploadid],
  );
}

/** Which artifacts of which build are wanted. */
export interface ArtifactWish {
  /** Of this build; otherwise of the newest build that the other fields describe. */
  readonly buildid?: number | undefined;
  readonly builder?: string | undefined;
  readonly branch?: string | undefined;
  /** Results that the build may have. */
  readonly results?: readonly number[] | undefined;
  /** Only builds that have an artifact of this name. */
  readonly name?: string | undefined;
  /** Also artifacts of builds of a fork's code. */
  readonly forks?: boolean | undefined;
}

/** The newest complete build that a wish describes and that has artifacts; undefined: there is none. */
export async function findBuildWithArtifacts(connection: Connection, wish: ArtifactWish): Promise<number | undefined> {
  const conditions = ["a.state = 'complete'", "a.cache_scope is null"];
  const bindings: unknown[] = [];
  const add = (sql: string, ...values: readonly unknown[]) => {
    conditions.push(sql);
    append(bindings, values);
  };
  if (wish.buildid !== undefined) add("b.id = ?", wish.buildid);
  else add("b.complete_at is not null");
  if (wish.builder !== undefined) {
    // By its id, an index finds the newest without reading the others.
    const [builder] = await queryRows<{ id: number }>(connection, "select id from builders where name = ?", [
      wish.builder,
    ]);
    if (!builder) return undefined;
    add("a.builderid = ?", builder.id);
  }
  if (wish.name !== undefined) add("a.name = ?", wish.name);
  if (wish.forks !== true) add("a.from_fork = 0");
  if (wish.results !== undefined) {
    const results = connection.dialect.isOneOf("b.results", wish.results);
    add(results.sql, ...results.bindings);
  }
  if (wish.branch !== undefined)
    add(
      `exists (select 1 from buildrequests r join buildset_sourcestamps bs on bs.buildsetid = r.buildsetid
         join sourcestamps s on s.id = bs.sourcestampid where r.id = b.buildrequestid and s.branch = ?)`,
      wish.branch,
    );
  const [found] = await queryRows<{ id: number }>(
    connection,
    `select a.buildid as id from mm_artifacts a join builds b on b.id = a.buildid where ${conditions.join(" and ")}
      order by a.buildid desc limit 1`,
    bindings,
  );
  return found?.id;
}

/** The complete artifacts of a build by name. */
export async function readArtifacts(
  connection: Connection,
  buildid: number,
  forks: boolean,
  limit: number,
): Promise<ArtifactRow[]> {
  const rows = await queryRows<ArtifactRow>(
    connection,
    `select ${columns} from mm_artifacts a where a.buildid = ? and a.state = 'complete' and a.cache_scope is null
        and a.from_fork <= ? order by a.name limit ?`,
    [buildid, forks ? 1 : 0, limit],
  );
  return rows.map(toArtifact);
}

/** A complete artifact by its id. */
export async function readArtifact(connection: Connection, artifactid: number): Promise<ArtifactRow | undefined> {
  const [row] = await queryRows<ArtifactRow>(
    connection,
    `select ${columns} from mm_artifacts a where a.artifactid = ? and a.state = 'complete' and a.cache_scope is null`,
    [artifactid],
  );
  return row && toArtifact(row);
}

/** The complete artifact of this name of a build. */
export async function readNamedArtifact(
  connection: Connection,
  buildid: number,
  name: string,
): Promise<ArtifactRow | undefined> {
  const [row] = await queryRows<ArtifactRow>(
    connection,
    `select ${columns} from mm_artifacts a where a.buildid = ? and a.name = ? and a.state = 'complete'
        and a.cache_scope is null order by a.artifactid desc limit 1`,
    [buildid, name],
  );
  return row && toArtifact(row);
}

/**
 * The cache of a key, or else the newest whose key begins with one of the fallback keys, in their order; marked as used.
 */
export async function takeCache(
  tx: Connection,
  scope: string,
  key: string,
  fallbackKeys: readonly string[],
): Promise<ArtifactRow | undefined> {
  const from = `from mm_artifacts a where a.cache_scope = ? and a.state = 'complete'`;
  const newest = "order by a.artifactid desc limit 1";
  let [row] = await queryRows<ArtifactRow>(tx, `select ${columns} ${from} and a.name = ? ${newest}`, [scope, key]);
  for (const prefix of row ? [] : fallbackKeys) {
    const begins = `substr(a.name, 1, ${[...prefix].length}) = ?`;
    [row] = await queryRows<ArtifactRow>(tx, `select ${columns} ${from} and ${begins} ${newest}`, [scope, prefix]);
    if (row) break;
  }
  if (!row) return undefined;
  await execute(tx, `update mm_artifacts set used_at = ${tx.dialect.now} where artifactid = ?`, [row.artifactid]);
  return toArtifact(row);
}
