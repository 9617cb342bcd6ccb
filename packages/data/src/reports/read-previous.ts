import { type Result, Results } from "@multimaster/core";
import { type Connection, queryRows } from "@multimaster/database";
import type { EarlierFailure, PreviousBuild } from "./reported.ts";

/** Builds of the same builder, before and after one, among which its predecessor and successors are searched. */
const lookBack = 200;
const lookAhead = 50;
/** Failures of one buildset that are read for a batch of builds, and shown of each. */
const most = { failures: 5000, ofBuild: 20 };

/** Ends that say nothing about the source. */
const passedOver = [Results.RETRY, Results.CANCELLED, Results.SKIPPED].join(", ");
const bad = [Results.FAILURE, Results.EXCEPTION].join(", ");

/** The sources of a buildset without their revisions: builds with the same ones follow each other. */
const lineOf = (buildset: string) => `
  select ls.repository, coalesce(ls.branch, ''), ls.codebase from buildset_sourcestamps lbs
    join sourcestamps ls on ls.id = lbs.sourcestampid where lbs.buildsetid = ${buildset}`;

/** SQL: build q is of the same line as build b, and not a try of a patch. */
const sameLine = `not exists (${lineOf("qr.buildsetid")} except ${lineOf("r.buildsetid")})
  and not exists (${lineOf("r.buildsetid")} except ${lineOf("qr.buildsetid")})
  and not exists (select 1 from buildset_sourcestamps pb join sourcestamps ps on ps.id = pb.sourcestampid
                   where pb.buildsetid = qr.buildsetid and ps.patchid is not null)`;

const candidates = `from builds q join buildrequests qr on qr.id = q.buildrequestid
  where q.builderid = b.builderid and q.complete_at is not null and q.results not in (${passedOver})`;

/** What a build is compared with. */
export interface Standing {
  readonly previous: PreviousBuild | null;
  readonly isOvertaken: boolean;
}

/**
 * The build before each of these: of the same builder and line, the one with the highest number among those that ended before it.
 * Builds may end out of order: one that ends after a later one of its line is overtaken, and changes nothing.
 */
export async function readStandings(
  connection: Connection,
  buildids: readonly number[],
): Promise<ReadonlyMap<number, Standing>> {
  if (buildids.length === 0) return new Map();
  const wanted = connection.dialect.isOneOf("b.id", buildids);
  const rows = await queryRows<{
    of: number;
    buildid: number | null;
    number: number;
    results: Result;
    overtaken: number;
  }>(
    connection,
    `select b.id as "of", p.id as buildid, p.number, p.results,
        case when b.complete_at is not null and exists (
          select 1 ${candidates} and q.number > b.number and q.number <= b.number + ${lookAhead}
            and q.complete_at < b.complete_at and ${sameLine}) then 1 else 0 end as overtaken
      from builds b join buildrequests r on r.id = b.buildrequestid left join builds p on p.id = (
        select q.id ${candidates} and q.number < b.number and q.number >= b.number - ${lookBack}
          and (b.complete_at is null or q.complete_at <= b.complete_at) and ${sameLine}
         order by q.number desc limit 1)
      where ${wanted.sql}`,
    wanted.bindings,
  );
  return new Map(
    rows.map(({ of, buildid, number, results, overtaken }) => [
      of,
      { previous: buildid === null ? null : { buildid, number, results }, isOvertaken: overtaken === 1 },
    ]),
  );
}

const isBad = (results: number | null | undefined) => results === Results.FAILURE || results === Results.EXCEPTION;

/** Whether a build fails, and the one before it did not. */
export const isNewFailure = (results: number | null, { previous, isOvertaken }: Standing): boolean =>
  isBad(results) && !isOvertaken && !isBad(previous?.results);

/** For builds that fail: which builds of the same buildset began to fail before. Others are not asked for. */
export async function readEarlierFailures(
  connection: Connection,
  buildids: readonly number[],
): Promise<ReadonlyMap<number, readonly EarlierFailure[]>> {
  if (buildids.length === 0) return new Map();
  const wanted = connection.dialect.isOneOf("b.id", buildids);
  const rows = await queryRows<{ of: number; buildid: number; builder: string; builderid: number; results: Result }>(
    connection,
    `select b.id as "of", s.id as buildid, s.builderid, bu.name as builder, s.results
      from builds b join buildrequests r on r.id = b.buildrequestid
        join buildrequests sr on sr.buildsetid = r.buildsetid join builds s on s.buildrequestid = sr.id
        join builders bu on bu.id = s.builderid
      where ${wanted.sql} and s.id <> b.id and ${connection.dialect.inOrder("s.results")} in (${bad})
        and (s.complete_at < b.complete_at or (s.complete_at = b.complete_at and s.id < b.id))
      order by s.complete_at, s.id limit ${most.failures}`,
    wanted.bindings,
  );
  const standings = await readStandings(connection, [...new Set(rows.map(({ buildid }) => buildid))]);
  const earlier = new Map<number, EarlierFailure[]>();
  for (const { of, results, ...failure } of rows) {
    const standing = standings.get(failure.buildid);
    const known = earlier.get(of) ?? [];
    if (standing && isNewFailure(results, standing) && known.length < most.ofBuild)
      earlier.set(of, [...known, failure]);
  }
  return earlier;
}
