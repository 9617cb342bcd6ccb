import type { Connection } from "../connection.ts";
import { queryRows } from "../dialect.ts";

/** What a build had of one codebase. */
export interface BuildSource {
  readonly codebase: string;
  /** Null: the default branch, whatever that is. */
  readonly branch: string | null;
  /** What was checked out, as far as it is known. */
  readonly revision: string | null;
  /** The newest change that it has; undefined: none says where its revision belongs. */
  readonly changeid: number | undefined;
}

/** A build with its sources, and what decides whether it says something about them. */
export interface SourcedBuild {
  readonly buildid: number;
  readonly builderid: number;
  readonly number: number;
  readonly results: number | null;
  /** It had a difference that is in no repository. */
  readonly patched: boolean;
  /** By codebase. */
  readonly sources: readonly BuildSource[];
}

interface StampRow {
  buildid: number;
  builderid: number;
  number: number;
  results: number | null;
  parent: number | null;
  codebase: string | null;
  branch: string | null;
  revision: string | null;
  patchid: number | null;
  /** The JSON of the property got_revision. */
  got: string | null;
  /** The change of the revision, if that is a text for the only codebase. */
  changeid: number | null;
  /** The newest change when the build began. */
  newest: number | null;
}

/** The newest change of a revision in a codebase, on a branch if one is given. */
const changeOf = (revision: string, codebase: string, branch: string) =>
  `(select max(c.changeid) from changes c where c.revision = ${revision} and c.codebase = ${codebase}
      and (coalesce(${branch}, '') = '' or c.branch = ${branch}))`;

/**
 * Builds with what they were made of, in the order of their ids; those that are missing are left out.
 *
 * A revision stands where its change stands. One that was not given is the newest of its branch when the build began, and so
 * is one that a build handed on to those it triggered. A revision that someone chose, and that no change names, stands nowhere,
 * unless its branch has no changes at all.
 */
export async function readSourcedBuilds(connection: Connection, ids: readonly number[]): Promise<SourcedBuild[]> {
  if (ids.length === 0) return [];
  const wanted = connection.dialect.isOneOf("b.id", ids);
  const got = "case when got.value like '\"%\"' then substr(got.value, 2, length(got.value) - 2) else ss.revision end";
  const rows = await queryRows<StampRow>(
    connection,
    `select b.id as buildid, b.builderid, b.number, b.results, bs.parent_buildid as parent,
            ss.codebase, ss.branch, ss.revision, ss.patchid, got.value as got,
            ${changeOf(`(${got})`, "ss.codebase", "ss.branch")} as changeid,
            (select c.changeid from changes c where c.when_timestamp <= b.started_at
              order by c.when_timestamp desc, c.changeid desc limit 1) as newest
       from builds b
       join buildrequests r on r.id = b.buildrequestid
       join buildsets bs on bs.id = r.buildsetid
       left join buildset_sourcestamps m on m.buildsetid = bs.id
       left join sourcestamps ss on ss.id = m.sourcestampid
       left join build_properties got on got.buildid = b.id and got.name = 'got_revision'
      where ${wanted.sql} order by b.id, ss.codebase, ss.id`,
    wanted.bindings,
  );
  const builds: SourcedBuild[] = [];
  for (const row of rows) {
    if (builds.at(-1)?.buildid !== row.buildid) builds.push(beginBuild(row));
    const build = builds.at(-1) as SourcedBuild & { patched: boolean; sources: BuildSource[] };
    build.patched ||= row.patchid !== null;
    // Two rows of one codebase: the property was written twice, by another program.
    if (row.codebase === null || build.sources.some(({ codebase }) => codebase === row.codebase)) continue;
    build.sources.push(await placeSource(connection, row as StampRow & { codebase: string }));
  }
  return builds;
}

const beginBuild = ({ buildid, builderid, number, results }: StampRow): SourcedBuild => ({
  buildid,
  builderid,
  number,
  results,
  patched: false,
  sources: [],
});

async function placeSource(connection: Connection, row: StampRow & { codebase: string }): Promise<BuildSource> {
  const { codebase, newest } = row;
  const branch = row.branch || null;
  const revision = revisionIn(row.got, codebase) ?? row.revision;
  const found =
    revision === null || row.got?.startsWith("{") !== true
      ? row.changeid
      : await findChange(connection, { codebase, branch, revision });
  if (found !== null) {
    // A build of the default branch is one of the branch that its revision is on.
    return { codebase, branch: branch ?? (await branchOf(connection, found)), revision, changeid: found };
  }
  const isNewest = row.revision === null || row.revision === "" || row.parent !== null;
  const stands = isNewest || !(await hasChanges(connection, codebase, branch));
  return { codebase, branch, revision, changeid: stands ? (newest ?? 0) : undefined };
}

/** Of several codebases got_revision has an object. */
function revisionIn(got: string | null, codebase: string): string | undefined {
  if (got === null) return undefined;
  try {
    const value: unknown = JSON.parse(got);
    if (typeof value === "string") return value || undefined;
    if (typeof value !== "object" || value === null) return undefined;
    const own: unknown = (value as Record<string, unknown>)[codebase];
    return typeof own === "string" && own !== "" ? own : undefined;
  } catch {
    return undefined;
  }
}

async function findChange(
  connection: Connection,
  { codebase, branch, revision }: { codebase: string; branch: string | null; revision: string },
): Promise<number | null> {
  const given = connection.dialect.rowsOf(["text", "text", "text"], [[codebase, branch, revision]]);
  const [row] = await queryRows<{ id: number | null }>(
    connection,
    `with v(codebase, branch, revision) as (${given.sql})
     select ${changeOf("v.revision", "v.codebase", "v.branch")} as id from v`,
    given.bindings,
  );
  return row?.id ?? null;
}

async function branchOf(connection: Connection, changeid: number): Promise<string | null> {
  const sql = "select branch from changes where changeid = ?";
  return (await queryRows<{ branch: string | null }>(connection, sql, [changeid]))[0]?.branch || null;
}

/** How many changes of a branch are searched for one of a codebase. */
const mostSearched = 1000;

async function hasChanges(connection: Connection, codebase: string, branch: string | null): Promise<boolean> {
  const rows = await queryRows(
    connection,
    `select 1 as one from (select codebase from changes where coalesce(branch, '') = ? order by changeid desc limit ${mostSearched}) c
      where c.codebase = ? limit 1`,
    [branch ?? "", codebase],
  );
  return rows.length > 0;
}
