import { type Connection, queryRows } from "@multimaster/database";

/** The name of what has no branch, as lines have it (packages/lifecycle/src/note-ends.ts). */
const defaultBranch = "default branch";
const branchOf = (source: string) => (source === defaultBranch ? "" : source);

/** Builders of a branch that are shown. */
const mostLines = 2000;
/** So many of the newest open requests are searched for those of the branch. */
const mostOpen = 2000;
/** So many of the newest changes of a branch are searched for one of a codebase. */
const mostChanges = 1000;
/** As in the index mm_lines_of_source. */
const indexedLength = 200;

/** A builder that has built a branch, with its build of the newest source. */
export interface Line {
  readonly builderid: number;
  readonly buildid: number;
  /** The place of its source: the id of its change, if it has one codebase. */
  readonly position: number;
  readonly failing: boolean;
}

/** By builder: of several sets of codebases with this branch, that of the newest build. */
export async function readLines(connection: Connection, source: string): Promise<Map<number, Line>> {
  const newest = (column: string) =>
    `(select n.${column} from mm_line_builds n where n.lineid = l.lineid order by n.position desc, n.buildid desc limit 1)`;
  const rows = await queryRows<{ builderid: number; buildid: number | null; position: number; failing: number }>(
    connection,
    `select l.builderid, l.failing, ${newest("buildid")} as buildid, ${newest("position")} as position
       from mm_builder_lines l where substr(l.source, 1, ${indexedLength}) = ? and l.source = ? limit ${mostLines}`,
    [[...source].slice(0, indexedLength).join(""), source],
  );
  const lines = new Map<number, Line>();
  for (const { builderid, buildid, position, failing } of rows)
    if (buildid !== null && buildid > (lines.get(builderid)?.buildid ?? 0))
      lines.set(builderid, { builderid, buildid, position, failing: failing === 1 });
  return lines;
}

/** Requests that wait or are built, all of whose sources are of this branch. */
export async function findOpenRequests(connection: Connection, source: string): Promise<number[]> {
  // One value for each request: a join may be planned from the side of all source stamps.
  const branch = `(select case when min(coalesce(ss.branch, '')) = max(coalesce(ss.branch, '')) then min(coalesce(ss.branch, '')) end
    from buildset_sourcestamps m join sourcestamps ss on ss.id = m.sourcestampid where m.buildsetid = o.buildsetid)`;
  const rows = await queryRows<{ id: number }>(
    connection,
    `select o.id from (select r.id, r.buildsetid from buildrequests r where r.complete = 0 or r.complete is null
       order by r.id desc limit ${mostOpen}) o where ${branch} = ? order by o.id`,
    [branchOf(source)],
  );
  return rows.map(({ id }) => id);
}

/** The newest change of the branch in each of these codebases. */
export async function findHeads(
  connection: Connection,
  source: string,
  codebases: readonly string[],
): Promise<Map<string, number>> {
  const heads = new Map<string, number>();
  for (const codebase of new Set(codebases)) {
    const [row] = await queryRows<{ changeid: number }>(
      connection,
      `select c.changeid from (select changeid, codebase from changes where coalesce(branch, '') = ? order by changeid desc
         limit ${mostChanges}) c where c.codebase = ? order by c.changeid desc limit 1`,
      [branchOf(source), codebase],
    );
    if (row) heads.set(codebase, row.changeid);
  }
  return heads;
}
