import { AddressShares } from "@multimaster/core";
import type { Connection } from "../connection.ts";
import { execute, queryRows } from "../dialect.ts";
import { fitNullable, truncateText } from "./column-text.ts";

/** One line of the audit trail. */
export interface AuditRow {
  readonly who: string;
  readonly name: string;
  readonly by: string;
  readonly address: string | null;
  readonly action: string;
  readonly object: string;
  readonly outcome: "done" | "refused" | "failed";
  readonly detail?: string | null;
  readonly times?: number;
}

export async function insertAuditRow(tx: Connection, row: AuditRow): Promise<void> {
  await execute(
    tx,
    `insert into mm_audit (at, who, name, by_what, address, action, object, outcome, detail, times)
     values (${tx.dialect.now}, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [
      truncateText(onOneLine(row.who), 255),
      truncateText(onOneLine(row.name), 255),
      truncateText(row.by, 16),
      fitNullable(row.address && onOneLine(row.address), 64),
      truncateText(onOneLine(row.action), 64),
      truncateText(onOneLine(row.object), 255),
      row.outcome,
      fitNullable(row.detail && onOneLine(row.detail), 1000),
      row.times ?? 1,
    ],
  );
}

/** Control characters, separators of lines, and those that change the direction of text: with them a text shows as others. */
const unseen = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

function onOneLine(text: string): string {
  return text.replace(unseen, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Actors that only their address distinguishes. */
const nameless: ReadonlySet<string> = new Set(["anonymous", "others"]);
/** Rows of theirs that are compared by address; older ones are deleted before. */
const maxCompared = 50_000;

/** Rows that one statement deletes. */
const pruneBatch = 5000;
/** Actors whose entries are counted separately. */
const maxActors = 1000;

/**
 * Keeps so many rows of what was done, and so many of what was not, so that the one never pushes out the other. Who has
 * most of them loses the oldest first, so that no actor pushes out what others did; of those without a name, the network and
 * address with the most.
 */
export async function pruneAuditRows(connection: Connection, keep: { done: number; others: number }): Promise<number> {
  return (
    (await pruneOutcome(connection, "done", keep.done)) +
    (await pruneOutcome(connection, "refused", keep.others)) +
    (await pruneOutcome(connection, "failed", keep.others))
  );
}

async function pruneOutcome(connection: Connection, outcome: AuditRow["outcome"], keep: number): Promise<number> {
  const [over] = await queryRows(
    connection,
    "select id from mm_audit where outcome = ? order by id desc limit 1 offset ?",
    [outcome, keep],
  );
  if (!over) return 0;
  const counted = await queryRows<{ who: string; count: number }>(
    connection,
    `select who, count(*) as count from mm_audit where outcome = ? group by who order by count(*) desc limit ${maxActors}`,
    [outcome],
  );
  const actors = counted.map(({ who, count }) => ({ who, count: Number(count) }));
  const [all] = await queryRows<{ count: number }>(
    connection,
    "select count(*) as count from mm_audit where outcome = ?",
    [outcome],
  );
  const listed = actors.reduce((sum, { count }) => sum + count, 0);
  const unlisted = Math.max(0, Number(all?.count ?? 0) - listed);
  const kept = shareOut(
    actors.map(({ count }) => count),
    Math.max(0, keep - unlisted),
  );
  let deleted = 0;
  for (const [i, { who, count }] of actors.entries()) {
    const own = kept[i] as number;
    if (own >= count) continue;
    deleted += nameless.has(who)
      ? await pruneAddresses(connection, [outcome, who], own)
      : await deleteBeyond(connection, ofActor, [outcome, who], own);
  }
  // More actors than are counted: then it is the oldest of all.
  return deleted + (await deleteBeyond(connection, "outcome = ?", [outcome], keep));
}

const ofActor = "outcome = ? and who = ?";

/** Deletes all but so many of those without a name: the oldest of the network and address with the most first. */
async function pruneAddresses(
  connection: Connection,
  actor: readonly [outcome: string, who: string],
  keep: number,
): Promise<number> {
  const deleted = await deleteBeyond(connection, ofActor, actor, keep + maxCompared);
  const rows = await queryRows<{ id: number; address: string | null }>(
    connection,
    `select id, address from mm_audit where ${ofActor} order by id`,
    actor,
  );
  const shares = new AddressShares<(typeof rows)[number]>();
  for (const row of rows) shares.add(row.address ?? "", row);
  const ids: number[] = [];
  while (shares.size > keep) {
    const oldest = shares.oldestOfLargest();
    if (oldest === undefined) break;
    shares.delete(oldest.address ?? "", oldest);
    ids.push(oldest.id);
  }
  return deleted + (await deleteRows(connection, ids));
}

async function deleteRows(connection: Connection, ids: readonly number[]): Promise<number> {
  let deleted = 0;
  for (let from = 0; from < ids.length; from += pruneBatch) {
    const some = connection.dialect.isOneOf("id", ids.slice(from, from + pruneBatch));
    deleted += await execute(connection, `delete from mm_audit where ${some.sql}`, some.bindings);
  }
  return deleted;
}

/** How many of each remain, so that they are `keep` together and only the largest lose any. Largest first. */
function shareOut(counts: readonly number[], keep: number): number[] {
  const kept = [...counts];
  let left = keep;
  // The smallest have all of theirs as long as that is no more than an equal share of what is left.
  for (let i = counts.length - 1; i >= 0; i -= 1) {
    kept[i] = Math.min(counts[i] as number, Math.ceil(left / (i + 1)));
    left = Math.max(0, left - (kept[i] as number));
  }
  return kept;
}

/** Deletes all but the newest of some rows, a batch at a time. What another master deletes meanwhile is not deleted twice. */
async function deleteBeyond(
  connection: Connection,
  where: string,
  bindings: readonly string[],
  keep: number,
): Promise<number> {
  const [last] = await queryRows<{ id: number }>(
    connection,
    `select id from mm_audit where ${where} order by id desc limit 1 offset ?`,
    [...bindings, keep],
  );
  if (!last) return 0;
  let deleted = 0;
  for (;;) {
    const some = await execute(
      connection,
      `delete from mm_audit where id in (
         select id from mm_audit where ${where} and id <= ? order by id limit ${pruneBatch})`,
      [...bindings, last.id],
    );
    deleted += some;
    if (some < pruneBatch) return deleted;
  }
}

/** Who asked for a buildset, as the server knew them. */
export async function insertAsker(
  tx: Connection,
  buildsetid: number,
  { identity, name }: { readonly identity: string; readonly name: string },
): Promise<void> {
  await execute(tx, "insert into mm_askers (buildsetid, identity, name) values (?, ?, ?)", [
    buildsetid,
    truncateText(identity, 255),
    truncateText(name, 255),
  ]);
}

/** What a build triggers is asked for by who asked for the build. */
export async function inheritAsker(tx: Connection, buildsetid: number, parentBuildid: number): Promise<void> {
  await execute(
    tx,
    `insert into mm_askers (buildsetid, identity, name)
     select cast(? as integer), a.identity, a.name from builds b join buildrequests r on r.id = b.buildrequestid
       join mm_askers a on a.buildsetid = r.buildsetid where b.id = ?`,
    [buildsetid, parentBuildid],
  );
}

/** The identity of who asked for a build request; undefined: no one did, or it was before this was kept. */
export async function askerOfRequest(connection: Connection, buildrequestid: number): Promise<string | undefined> {
  const [row] = await queryRows<{ identity: string }>(
    connection,
    "select a.identity from buildrequests r join mm_askers a on a.buildsetid = r.buildsetid where r.id = ?",
    [buildrequestid],
  );
  return row?.identity;
}
