import type { Connection } from "../connection.ts";
import { insertIgnore, queryRows } from "../dialect.ts";
import { SqlExpression } from "../sql.ts";
import { fitNullable, truncateText } from "./column-text.ts";
import { hashColumns } from "./hash.ts";

export interface SourceStampRow {
  branch: string | null;
  revision: string | null;
  repository: string;
  project: string;
  codebase: string;
}

/** The id of the source stamp with exactly these values; made when it is the first of its kind. */
export async function findOrCreateSourceStamp(tx: Connection, stamp: SourceStampRow): Promise<number> {
  const row = {
    branch: fitNullable(stamp.branch, 256),
    revision: fitNullable(stamp.revision, 256),
    repository: truncateText(stamp.repository, 512),
    project: truncateText(stamp.project, 512),
    codebase: truncateText(stamp.codebase, 256),
  };
  // Over the values as stored, so that anybody can recompute it from the row.
  const ssHash = hashColumns(row.branch, row.revision, row.repository, row.project, row.codebase, null);
  const find = () => queryRows<{ id: number }>(tx, "select id from sourcestamps where ss_hash = ?", [ssHash]);
  const [found] = await find();
  if (found) return found.id;
  const [inserted] = await insertIgnore<{ id: number }>(tx, {
    table: "sourcestamps",
    rows: [{ ...row, ss_hash: ssHash, created_at: new SqlExpression(tx.dialect.nowSeconds) }],
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
