import { createHash } from "node:crypto";
import { type Json, pythonJson } from "@multimaster/core";
import type { Connection } from "../connection.ts";
import { execute, insertRow, queryRows } from "../dialect.ts";
import { fitInteger, fitNullable, longest, truncateText } from "./column-text.ts";
import { insertRows } from "./insert-rows.ts";
import { findOrCreateSourceStamp } from "./sourcestamps.ts";

/** A change to be stored; absent texts are what Buildbot stores for them. */
export interface ChangeRow {
  author: string;
  committer: string | null;
  comments: string;
  files: readonly string[];
  revision: string | null;
  branch: string | null;
  whenTimestamp: number;
  category: string | null;
  revlink: string;
  repository: string;
  project: string;
  codebase: string;
  properties: Readonly<Record<string, Json>>;
}

/** Stores a change with its source stamp, files and properties; returns its id. */
export async function insertChange(tx: Connection, change: ChangeRow): Promise<number> {
  const branch = fitNullable(change.branch, 255);
  const line = {
    repository: truncateText(change.repository, 512),
    project: truncateText(change.project, 512),
    codebase: truncateText(change.codebase, 256),
  };
  const [parent, sourcestampid] = await Promise.all([
    findParent(tx, { branch, ...line }),
    findOrCreateSourceStamp(tx, { ...line, branch: change.branch, revision: change.revision }),
  ]);
  const row = {
    author: truncateText(change.author, 255),
    committer: fitNullable(change.committer, 255),
    comments: truncateText(change.comments, longest.comments),
    branch,
    revision: fitNullable(change.revision, 255),
    revlink: truncateText(change.revlink, 256),
    when_timestamp: fitInteger(change.whenTimestamp),
    category: fitNullable(change.category, 255),
    ...line,
    sourcestampid,
    parent_changeids: parent,
  };
  const { changeid } = await insertRow<{ changeid: number }>(tx, "changes", row, ["changeid"]);
  const files = change.files.map((file) => ({ changeid, filename: truncateText(file, 1024) }));
  const properties = Object.entries(change.properties).map(([name, value]) => ({
    changeid,
    property_name: truncateText(name, 256),
    property_value: pythonJson([value, "Change"]),
  }));
  await Promise.all([insertRows(tx, "change_files", files), insertRows(tx, "change_properties", properties)]);
  return changeid;
}

/** The newest change of the same line of development. */
async function findParent(
  tx: Connection,
  line: { branch: string | null; repository: string; project: string; codebase: string },
): Promise<number | null> {
  // "is null" and "=" apart: "is not distinct from" would not use the index on PostgreSQL.
  const [branchSql, branchBinding] = line.branch === null ? ["branch is null", []] : ["branch = ?", [line.branch]];
  const rows = await queryRows<{ changeid: number }>(
    tx,
    `select changeid from changes where ${branchSql} and repository = ? and project = ? and codebase = ?
      order by changeid desc limit 1`,
    [...branchBinding, line.repository, line.project, line.codebase],
  );
  return rows[0]?.changeid ?? null;
}

function deliveryKey(delivery: string): string {
  const clean = truncateText(delivery, longest.name);
  return clean.length <= 128 ? clean : createHash("sha256").update(clean).digest("hex");
}

/** The change that this delivery has already made, if any; waits for others who are accepting the same delivery now. */
export async function claimDelivery(tx: Connection, delivery: string): Promise<number | undefined> {
  const key = deliveryKey(delivery);
  await tx.dialect.lockName(tx, `delivery:${key}`);
  const rows = await queryRows<{ changeid: number }>(
    tx,
    "select changeid from mm_change_deliveries where delivery = ?",
    [key],
  );
  return rows[0]?.changeid;
}

export async function recordDelivery(tx: Connection, delivery: string, changeid: number): Promise<void> {
  const sql = `insert into mm_change_deliveries (delivery, changeid, received_at) values (?, ?, ${tx.dialect.now})`;
  await execute(tx, sql, [deliveryKey(delivery), changeid]);
}

/** Whether this master has the change source; held to the end of the transaction. */
export async function holdChangeSource(tx: Connection, changesourceid: number, masterid: number): Promise<boolean> {
  const rows = await queryRows<{ masterid: number }>(
    tx,
    `select masterid from changesource_masters where changesourceid = ?${tx.dialect.noKeyUpdateLock}`,
    [changesourceid],
  );
  return rows[0]?.masterid === masterid;
}
