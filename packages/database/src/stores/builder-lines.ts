import { Results } from "@multimaster/core";
import type { Connection } from "../connection.ts";
import { execute, insertIgnore, queryRows } from "../dialect.ts";

/** Results that say whether a builder passes or fails: those of builds that were not skipped, retried or cancelled. */
export const saysSomething: readonly number[] = [Results.SUCCESS, Results.WARNINGS, Results.FAILURE, Results.EXCEPTION];

/** A builder with the branches of its codebases. */
export interface LineKey {
  readonly builderid: number;
  readonly hash: string;
  readonly branch: string | null;
  readonly source: string;
  /** It is a main branch. */
  readonly watched: boolean;
}

export interface LineRow {
  readonly lineid: number;
  readonly builderid: number;
  readonly line_hash: string;
}

const keyOf = (builderid: number, hash: string) => `${builderid} ${hash}`;

/**
 * Locks the lines with these keys, and makes those that are missing: who writes a build of a line takes turns. By key, as
 * `builderid hash`.
 */
export async function lockLines(tx: Connection, keys: readonly LineKey[]): Promise<Map<string, LineRow>> {
  const lines = new Map<string, LineRow>();
  const wanted = [...new Map(keys.map((key) => [keyOf(key.builderid, key.hash), key])).values()];
  const lock = async (some: readonly LineKey[]) => {
    const given = tx.dialect.rowsOf(
      ["integer", "text"],
      some.map(({ builderid, hash }) => [builderid, hash]),
    );
    const rows = await queryRows<LineRow>(
      tx,
      `select l.lineid, l.builderid, l.line_hash from mm_builder_lines l
        where (l.builderid, l.line_hash) in (${given.sql}) order by l.lineid${tx.dialect.noKeyUpdateLock}`,
      given.bindings,
    );
    for (const row of rows) lines.set(keyOf(row.builderid, row.line_hash), row);
    return some.filter(({ builderid, hash }) => !lines.has(keyOf(builderid, hash)));
  };
  const missing = await lock(wanted);
  if (missing.length === 0) return lines;
  await insertIgnore(tx, {
    table: "mm_builder_lines",
    rows: missing
      .sort((a, b) => a.builderid - b.builderid || (a.hash < b.hash ? -1 : 1))
      .map(({ builderid, hash, branch, source, watched }) => ({
        builderid,
        line_hash: hash,
        branch,
        source,
        watched: watched ? 1 : 0,
        failing: 0,
        bad_count: 0,
        failing_since: 0,
      })),
    conflict: ["builderid", "line_hash"],
  });
  await lock(missing);
  return lines;
}

export interface LineBuild {
  readonly buildid: number;
  readonly lineid: number;
  readonly position: number;
  readonly good: boolean;
}

/** Adds builds to lines that the caller has locked, and returns the ids of those that were not there already. */
export async function insertLineBuilds(tx: Connection, builds: readonly LineBuild[]): Promise<number[]> {
  const rows = await insertIgnore<{ buildid: number }>(tx, {
    table: "mm_line_builds",
    rows: builds.map(({ good, ...build }) => ({ ...build, good: good ? 1 : 0 })),
    conflict: ["buildid"],
  });
  return rows.map(({ buildid }) => buildid);
}

/** A place in a line: the source, and among builds of one source the order in which they began. */
export interface Place {
  readonly buildid: number;
  readonly position: number;
}

export interface LineState {
  readonly lineid: number;
  readonly failing: boolean;
  /** As they were written last. */
  readonly written: {
    readonly lastGood: number | null;
    readonly firstBad: number | null;
    readonly newest: number | null;
    readonly count: number;
  };
  /** As the builds are. */
  readonly newest: (Place & { readonly good: boolean }) | undefined;
  readonly lastGood: Place | undefined;
}

/** What the builds of lines say now; a few rows of an index for each, however many builds there are. */
export async function readLineStates(tx: Connection, lineids: readonly number[]): Promise<LineState[]> {
  const wanted = tx.dialect.isOneOf("l.lineid", lineids);
  const newest = (column: string, among = "") =>
    `(select n.${column} from mm_line_builds n where n.lineid = l.lineid${among}
       order by n.position desc, n.buildid desc limit 1)`;
  const rows = await queryRows<{
    lineid: number;
    failing: number;
    last_good_buildid: number | null;
    first_bad_buildid: number | null;
    newest_buildid: number | null;
    bad_count: number;
    newest: number | null;
    newest_position: number | null;
    newest_good: number | null;
    good: number | null;
    good_position: number | null;
  }>(
    tx,
    `select l.lineid, l.failing, l.last_good_buildid, l.first_bad_buildid, l.newest_buildid, l.bad_count,
            ${newest("buildid")} as newest, ${newest("position")} as newest_position, ${newest("good")} as newest_good,
            ${newest("buildid", " and n.good = 1")} as good, ${newest("position", " and n.good = 1")} as good_position
       from mm_builder_lines l where ${wanted.sql} order by l.lineid`,
    wanted.bindings,
  );
  return rows.map((row) => ({
    lineid: row.lineid,
    failing: row.failing === 1,
    written: {
      lastGood: row.last_good_buildid,
      firstBad: row.first_bad_buildid,
      newest: row.newest_buildid,
      count: row.bad_count,
    },
    newest:
      row.newest === null
        ? undefined
        : { buildid: row.newest, position: row.newest_position ?? 0, good: row.newest_good === 1 },
    lastGood: row.good === null ? undefined : { buildid: row.good, position: row.good_position ?? 0 },
  }));
}

/** Builds that are counted at most: of more, a page says "at least". */
export const mostCounted = 10_000;

/** The first build after a place, and how many there are. */
export async function readAfter(
  tx: Connection,
  lineid: number,
  place: Place | undefined,
): Promise<{ first: number | undefined; count: number }> {
  const after = place === undefined ? "" : " and (n.position, n.buildid) > (?, ?)";
  const bindings = place === undefined ? [lineid] : [lineid, place.position, place.buildid];
  const [row] = await queryRows<{ first: number | null; count: number }>(
    tx,
    `select (select n.buildid from mm_line_builds n where n.lineid = ?${after} order by n.position, n.buildid limit 1) as first,
            (select count(*) from (select 1 from mm_line_builds n where n.lineid = ?${after} limit ${mostCounted}) c) as count`,
    [...bindings, ...bindings],
  );
  return { first: row?.first ?? undefined, count: Number(row?.count ?? 0) };
}

/** What a failing line is written with. */
export interface FailingLine {
  readonly lineid: number;
  readonly lastGood: number | null;
  readonly firstBad: number;
  readonly newest: number;
  readonly count: number;
}

export async function writeFailing(tx: Connection, { lineid, ...line }: FailingLine): Promise<void> {
  await execute(
    tx,
    `update mm_builder_lines set failing = 1, last_good_buildid = ?, first_bad_buildid = ?, newest_buildid = ?, bad_count = ?,
            failing_since = coalesce((select complete_at from builds where id = ?), 0)
      where lineid = ?`,
    [line.lastGood, line.firstBad, line.newest, line.count, line.firstBad, lineid],
  );
}

export async function writeMended(tx: Connection, lineids: readonly number[]): Promise<void> {
  const wanted = tx.dialect.isOneOf("lineid", lineids);
  await execute(tx, `update mm_builder_lines set failing = 0 where ${wanted.sql}`, wanted.bindings);
}

/** How far the history was read: see mm_line_history. */
export interface LineHistory {
  readonly below: number;
  readonly checkedAt: number;
}

/** The same, locked; undefined if another master is reading now. */
export async function lockLineHistory(tx: Connection): Promise<LineHistory | undefined> {
  const { updateLock, skipLocked } = tx.dialect;
  const lock = updateLock === "" ? "" : `${updateLock}${skipLocked}`;
  const sql = `select below, checked_at as "checkedAt" from mm_line_history where id = 1${lock}`;
  return (await queryRows<LineHistory>(tx, sql))[0];
}

export async function readLineHistory(connection: Connection): Promise<LineHistory> {
  const sql = 'select below, checked_at as "checkedAt" from mm_line_history where id = 1';
  return (await queryRows<LineHistory>(connection, sql))[0] ?? { below: 0, checkedAt: 0 };
}

export async function writeLineHistory(tx: Connection, { below, checkedAt }: LineHistory): Promise<void> {
  await execute(tx, "update mm_line_history set below = ?, checked_at = ? where id = 1", [below, checkedAt]);
}

/** The next older builds, newest first: their ids, and whether they passed or failed. */
export function buildsBelow(
  connection: Connection,
  below: number,
  limit: number,
): Promise<{ id: number; results: number | null }[]> {
  return queryRows(connection, "select id, results from builds where id < ? order by id desc limit ?", [below, limit]);
}

/** A page of completed builds begins after this one. */
export interface CompletedBuild {
  readonly id: number;
  readonly complete_at: number;
}

/** Builds that passed or failed after a moment and are in no line, in that order: some belong into none. */
export function unplacedAfter(connection: Connection, after: CompletedBuild, limit: number): Promise<CompletedBuild[]> {
  // Not by the index of results: nearly all builds have these.
  const results = connection.dialect.inOrder("b.results");
  return queryRows(
    connection,
    `select b.id, b.complete_at from builds b
      where (b.complete_at, b.id) > (?, ?) and ${results} in (${saysSomething.join(", ")})
        and not exists (select 1 from mm_line_builds n where n.buildid = b.id)
      order by b.complete_at${connection.dialect.ascending}, b.id limit ?`,
    [after.complete_at, after.id, limit],
  );
}
