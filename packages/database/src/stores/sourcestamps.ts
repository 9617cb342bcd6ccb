import type { Connection } from "../connection.ts";
import { insertIgnore, queryRows } from "../dialect.ts";
import { SqlExpression } from "../sql.ts";
import { fitInteger, fitNullable, longest, truncateText } from "./column-text.ts";
import { hashColumns } from "./hash.ts";

export interface SourceStampRow {
  branch: string | null;
  revision: string | null;
  repository: string;
  project: string;
  codebase: string;
  /** A difference that is in no repository. */
  patch?: PatchRow | undefined;
}

/** A difference to apply after a checkout. */
export interface PatchRow {
  body: Uint8Array;
  /** How many leading parts of each file name are removed. */
  level: number;
  /** Directory below the checkout's to which its file names are relative. */
  subdir: string | null;
  author: string;
  comment: string;
}

/** The id of the source stamp with exactly these values; made when it is the first of its kind, or has a patch. */
export async function findOrCreateSourceStamp(tx: Connection, stamp: SourceStampRow): Promise<number> {
  const row = {
    branch: fitNullable(stamp.branch, 256),
    revision: fitNullable(stamp.revision, 256),
    repository: truncateText(stamp.repository, 512),
    project: truncateText(stamp.project, 512),
    codebase: truncateText(stamp.codebase, 256),
  };
  // As in Buildbot, each patch is a row of its own, so its source stamp is, too.
  const patchid = stamp.patch === undefined ? null : await insertPatch(tx, stamp.patch);
  // Over the values as stored, so that anybody can recompute it from the row.
  const ssHash = hashColumns(row.branch, row.revision, row.repository, row.project, row.codebase, patchid);
  const find = () => queryRows<{ id: number }>(tx, "select id from sourcestamps where ss_hash = ?", [ssHash]);
  const [found] = await find();
  if (found) return found.id;
  const [inserted] = await insertIgnore<{ id: number }>(tx, {
    table: "sourcestamps",
    rows: [{ ...row, patchid, ss_hash: ssHash, created_at: new SqlExpression(tx.dialect.nowSeconds) }],
    conflict: ["ss_hash"],
    returning: ["id"],
  });
  // Another transaction was faster: the insert has waited for its commit, so this statement sees its row.
  return inserted?.id ?? ((await find())[0] as { id: number }).id;
}

/** Which of these ids are no source stamps. */
export async function missingSourceStamps(connection: Connection, ids: readonly number[]): Promise<number[]> {
  if (ids.length === 0) return [];
  const wanted = connection.dialect.isOneOf("id", ids);
  const rows = await queryRows<{ id: number }>(
    connection,
    `select id from sourcestamps where ${wanted.sql}`,
    wanted.bindings,
  );
  const known = new Set(rows.map((row) => row.id));
  return ids.filter((id) => !known.has(id));
}

async function insertPatch(tx: Connection, { body, level, subdir, author, comment }: PatchRow): Promise<number> {
  const [row] = await queryRows<{ id: number }>(
    tx,
    `insert into patches (patchlevel, patch_base64, patch_author, patch_comment, subdir)
      values (?, ?, ?, ?, ?) returning id`,
    [
      fitInteger(level),
      Buffer.from(body).toString("base64"),
      truncateText(author, longest.sentence),
      truncateText(comment, longest.note),
      fitNullable(subdir, longest.name),
    ],
  );
  return (row as { id: number }).id;
}

/** The bytes of a patch; undefined if there is none with that id. */
export async function readPatchBody(connection: Connection, patchid: number): Promise<Uint8Array | undefined> {
  const [row] = await queryRows<{ body: string }>(connection, "select patch_base64 as body from patches where id = ?", [
    patchid,
  ]);
  return row && Buffer.from(row.body, "base64");
}
