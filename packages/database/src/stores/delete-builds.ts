import type { Connection } from "../connection.ts";
import { execute, insertIgnore, queryRows } from "../dialect.ts";
import { deleteLogTimes } from "./log-times.ts";
import { unneededRequests } from "./old-builds.ts";
import { removeArtifactsOf } from "./remove-artifacts.ts";

/** Logs of builds whose text is stored; `bytes` are those of the stored, maybe compressed, form. */
export async function logsWithText(
  connection: Connection,
  buildids: readonly number[],
): Promise<{ logid: number; buildid: number; bytes: number }[]> {
  const wanted = connection.dialect.isOneOf("s.buildid", buildids);
  return queryRows(
    connection,
    `select g.id as logid, s.buildid,
            (select coalesce(sum(octet_length(c.content)), 0) from logchunks c where c.logid = g.id) as bytes
       from steps s join logs g on g.stepid = s.id
      where ${wanted.sql} and exists (select 1 from logchunks c where c.logid = g.id) order by g.id`,
    wanted.bindings,
  );
}

/** Those of these builds that have a log which is not deleted, or not to its end. */
export async function buildsWithText(connection: Connection, buildids: readonly number[]): Promise<number[]> {
  const wanted = connection.dialect.isOneOf("s.buildid", buildids);
  const rows = await queryRows<{ buildid: number }>(
    connection,
    `select distinct s.buildid from steps s join logs g on g.stepid = s.id where ${wanted.sql}
        and (g.type <> 'd' or exists (select 1 from logchunks c where c.logid = g.id)) order by s.buildid`,
    wanted.bindings,
  );
  return rows.map(({ buildid }) => buildid);
}

/** Those of these builds that have test results. */
export async function buildsWithTests(connection: Connection, buildids: readonly number[]): Promise<number[]> {
  const wanted = connection.dialect.isOneOf("buildid", buildids);
  const rows = await queryRows<{ buildid: number }>(
    connection,
    `select distinct buildid from test_result_sets where ${wanted.sql} and complete = 1 order by buildid`,
    wanted.bindings,
  );
  return rows.map(({ buildid }) => buildid);
}

/** Marks logs as deleted, as Buildbot does: from then on they count as having no text. Returns those that were not. */
export async function markLogsDeleted(tx: Connection, buildids: readonly number[]): Promise<number[]> {
  const wanted = tx.dialect.isOneOf("s.buildid", buildids);
  const rows = await queryRows<{ id: number }>(
    tx,
    `update logs set type = 'd', num_lines = 0 where type <> 'd' and complete = 1
        and id in (select g.id from steps s join logs g on g.stepid = s.id where ${wanted.sql}) returning id`,
    wanted.bindings,
  );
  const logids = rows.map(({ id }) => id);
  if (logids.length > 0) await deleteLogTimes(tx, logids);
  return logids;
}

/** Deletes so many pieces of the texts of deleted logs, in the order of their ids; returns the bytes of each piece by its log. */
export async function deleteLogChunks(
  tx: Connection,
  logids: readonly number[],
  limit: number,
): Promise<{ logid: number; bytes: number }[]> {
  const wanted = tx.dialect.isOneOf("c.logid", logids);
  const rows = await queryRows<{ logid: number; bytes: number | null }>(
    tx,
    `delete from logchunks where (logid, first_line) in (
       select c.logid, c.first_line from logs g join logchunks c on c.logid = g.id
        where ${wanted.sql} and g.type = 'd' order by c.logid, c.first_line limit ?)
     returning logid, octet_length(content) as bytes`,
    [...wanted.bindings, limit],
  );
  return rows.map(({ logid, bytes }) => ({ logid, bytes: Number(bytes ?? 0) }));
}

/** The complete sets of test results of builds, with the number of their results. */
export async function testSetsOfBuilds(
  connection: Connection,
  buildids: readonly number[],
): Promise<{ id: number; results: number }[]> {
  const wanted = connection.dialect.isOneOf("t.buildid", buildids);
  return queryRows(
    connection,
    `select t.id, (select count(*) from test_results x where x.test_result_setid = t.id) as results
       from test_result_sets t where ${wanted.sql} and t.complete = 1 order by t.id`,
    wanted.bindings,
  );
}

/** Deletes so many results of a set, and the set with the last of them; returns how many. */
export async function deleteTestResults(tx: Connection, setid: number, limit: number): Promise<number> {
  const deleted = await execute(
    tx,
    `delete from test_results where id in (
       select id from test_results where test_result_setid = ? order by id limit ?)`,
    [setid, limit],
  );
  if (deleted < limit) await execute(tx, "delete from test_result_sets where id = ?", [setid]);
  return deleted;
}

export interface DeletedBuilds {
  builds: number;
  requests: number;
  buildsets: number;
}

/** Deletes builds that the caller has locked, with what nothing refers to after that: requests, buildsets, slots. */
export async function deleteBuilds(
  tx: Connection,
  builds: readonly { id: number; builderid: number; number: number; requestid: number }[],
): Promise<DeletedBuilds> {
  if (builds.length === 0) return { builds: 0, requests: 0, buildsets: 0 };
  const ids = builds.map(({ id }) => id);
  const wanted = tx.dialect.isOneOf("id", ids);
  await removeArtifactsOf(tx, ids);
  const deleted = await execute(tx, `delete from builds where ${wanted.sql}`, wanted.bindings);
  for (const [builderid, numbers] of numbersByBuilder(builds)) await retireNumbers(tx, builderid, numbers);
  const above = await deleteRequests(tx, [...new Set(builds.map(({ requestid }) => requestid))]);
  return { builds: deleted, ...above };
}

/** Deletes those of these requests that ended and have no build, and buildsets that have no request after that. */
export async function deleteRequests(
  tx: Connection,
  requestids: readonly number[],
): Promise<Omit<DeletedBuilds, "builds">> {
  const unneeded = await unneededRequests(tx, requestids);
  if (unneeded.length === 0) return { requests: 0, buildsets: 0 };
  const { isOneOf } = tx.dialect;
  const ids = isOneOf(
    "id",
    unneeded.map(({ id }) => id),
  );
  const requests = await execute(tx, `delete from buildrequests where ${ids.sql}`, ids.bindings);
  const over = isOneOf("id", [...new Set(unneeded.map(({ buildsetid }) => buildsetid))]);
  const rows = await queryRows<{ id: number }>(
    tx,
    `delete from buildsets where ${over.sql} and complete = 1
        and not exists (select 1 from buildrequests r where r.buildsetid = buildsets.id) returning id`,
    over.bindings,
  );
  if (rows.length > 0) {
    const gone = isOneOf(
      "buildsetid",
      rows.map(({ id }) => id),
    );
    // The newest slot of a scheduler, and those of other schedulers' buildsets, have kept their buildsets.
    await execute(tx, `delete from mm_scheduler_slots where kind = 'time' and ${gone.sql}`, gone.bindings);
  }
  return { requests, buildsets: rows.length };
}

function numbersByBuilder(
  builds: readonly { readonly builderid: number; readonly number: number }[],
): Map<number, number[]> {
  const found = new Map<number, number[]>();
  for (const { builderid, number } of builds) found.set(builderid, [...(found.get(builderid) ?? []), number]);
  return found;
}

interface NumberRange {
  first_number: number;
  last_number: number;
}

/** Adds numbers to the ranges of a builder that were deleted, and forgets the ranges below its oldest build. */
async function retireNumbers(tx: Connection, builderid: number, numbers: readonly number[]): Promise<void> {
  const sorted = [...numbers].sort((a, b) => a - b);
  const first = sorted[0] as number;
  const last = sorted.at(-1) as number;
  const near = await queryRows<NumberRange>(
    tx,
    `select first_number, last_number from mm_retired_builds where builderid = ? and first_number <= ?
        and first_number >= coalesce((select max(first_number) from mm_retired_builds where builderid = ? and first_number < ?), ?)`,
    [builderid, last + 1, builderid, first, first],
  );
  const ranges = mergeRanges([...near, ...numbers.map((n) => ({ first_number: n, last_number: n }))]);
  const old = tx.dialect.isOneOf(
    "first_number",
    near.map(({ first_number }) => first_number),
  );
  await execute(tx, `delete from mm_retired_builds where builderid = ? and ${old.sql}`, [builderid, ...old.bindings]);
  await insertIgnore(tx, {
    table: "mm_retired_builds",
    rows: ranges.map((range) => ({ builderid, ...range })),
    conflict: ["builderid", "first_number"],
  });
  await execute(
    tx,
    `delete from mm_retired_builds where builderid = ? and first_number < (select min(number) from builds where builderid = ?)
        and last_number < (select min(number) from builds where builderid = ?)`,
    [builderid, builderid, builderid],
  );
}

/** The same numbers in as few ranges as possible, in order. */
export function mergeRanges(ranges: readonly NumberRange[]): NumberRange[] {
  const merged: NumberRange[] = [];
  for (const { first_number, last_number } of [...ranges].sort((a, b) => a.first_number - b.first_number)) {
    const before = merged.at(-1);
    if (before && first_number <= before.last_number + 1)
      before.last_number = Math.max(before.last_number, last_number);
    else merged.push({ first_number, last_number });
  }
  return merged;
}
