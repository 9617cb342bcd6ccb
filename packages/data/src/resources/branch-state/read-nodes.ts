import { append } from "@multimaster/core";
import { type Connection, queryRows } from "@multimaster/database";
import { groupValues } from "../../read/group-values.ts";
import type { Children, TreeNode } from "./arrange-tree.ts";

/** Children that are read of each build; a build of a list may have thousands. */
const mostChildren = 200;
/** Builds whose children are read. */
const mostParents = 60;
const parentsPerQuery = 30;

/** A request with its newest build. */
export interface RequestRow {
  readonly buildrequestid: number;
  readonly builderid: number;
  readonly builder: string;
  readonly complete: number | null;
  readonly results: number | null;
  readonly parent_buildid: number | null;
  readonly buildid: number | null;
}

/** A build as the tree shows it. */
export interface BuildRow extends Omit<TreeNode, "complete" | "revision"> {
  readonly buildid: number;
  /** The codebase that it built, if it was one. */
  readonly codebase: string | null;
  readonly got: string | null;
  readonly asked: string | null;
}

const requestColumns = `r.id as buildrequestid, r.builderid, bu.name as builder, r.complete, r.results, bs.parent_buildid,
  (select b.id from builds b where b.buildrequestid = r.id order by b.number desc limit 1) as buildid`;
const requestTables =
  "buildsets bs join buildrequests r on r.buildsetid = bs.id join builders bu on bu.id = r.builderid";

/** Rows of one query: of more, a planner may prefer to read the whole table. */
const rowsPerQuery = 200;

export async function readRequests(connection: Connection, ids: readonly number[]): Promise<RequestRow[]> {
  const rows: RequestRow[] = [];
  for (let start = 0; start < ids.length; start += rowsPerQuery) {
    const wanted = connection.dialect.isOneOf("r.id", ids.slice(start, start + rowsPerQuery));
    const sql = `select ${requestColumns} from ${requestTables} where ${wanted.sql} order by r.id`;
    append(rows, await queryRows<RequestRow>(connection, sql, wanted.bindings));
  }
  return rows;
}

/** By their ids. */
export async function readBuilds(connection: Connection, ids: readonly number[]): Promise<Map<number, BuildRow>> {
  const rows: BuildRow[] = [];
  for (let start = 0; start < ids.length; start += rowsPerQuery)
    append(rows, await readSomeBuilds(connection, ids.slice(start, start + rowsPerQuery)));
  return new Map(rows.map((row) => [row.buildid, row]));
}

function readSomeBuilds(connection: Connection, ids: readonly number[]): Promise<BuildRow[]> {
  const wanted = connection.dialect.isOneOf("b.id", ids);
  const stamp = (column: string) =>
    `(select case when count(*) = 1 then min(ss.${column}) end from buildset_sourcestamps m
        join sourcestamps ss on ss.id = m.sourcestampid where m.buildsetid = bs.id)`;
  return queryRows<BuildRow>(
    connection,
    `select b.id as buildid, b.buildrequestid, b.number, b.builderid, bu.name as builder, b.results, b.started_at, b.complete_at,
            b.state_string, bs.parent_buildid, ${stamp("codebase")} as codebase, ${stamp("revision")} as asked,
            (select max(p.value) from build_properties p where p.buildid = b.id and p.name = 'got_revision') as got
       from builds b join builders bu on bu.id = b.builderid join buildrequests r on r.id = b.buildrequestid
       join buildsets bs on bs.id = r.buildsetid where ${wanted.sql} order by b.id`,
    wanted.bindings,
  );
}

export function nodeOfBuild({ codebase: _, got, asked, ...build }: BuildRow): TreeNode {
  return { ...build, complete: build.complete_at !== null, revision: revisionIn(got) ?? asked };
}

/** What has become of requests: each is shown by its newest build, or as one that waits. */
export async function nodesOfRequests(connection: Connection, requests: readonly RequestRow[]): Promise<TreeNode[]> {
  const builds = await readBuilds(
    connection,
    requests.flatMap(({ buildid }) => buildid ?? []),
  );
  return requests.map((request): TreeNode => {
    const { complete, buildid, ...rest } = request;
    const isOver = complete !== 0 && complete !== null;
    const build = builds.get(buildid ?? 0);
    // A build that ended before its request is built again.
    if (build && (isOver || build.complete_at === null)) return nodeOfBuild(build);
    const none = { buildid: null, number: null, started_at: null, complete_at: null, state_string: "", revision: null };
    return { ...rest, ...none, complete: isOver, results: isOver ? request.results : null };
  });
}

/** What these builds triggered, by parent; those that triggered nothing are left out. */
export async function readChildren(connection: Connection, parents: readonly number[]): Promise<Map<number, Children>> {
  const having = await findParents(connection, parents);
  const one = `select * from (select ${requestColumns} from ${requestTables} where bs.parent_buildid = ? order by bs.id
    limit ${mostChildren + 1}) c`;
  const requests: RequestRow[] = [];
  for (let start = 0; start < Math.min(having.length, mostParents); start += parentsPerQuery) {
    const some = having.slice(start, start + parentsPerQuery);
    append(requests, await queryRows<RequestRow>(connection, some.map(() => one).join(" union all "), some));
  }
  const nodes = groupValues(
    (await nodesOfRequests(connection, requests)).map((node) => [node.parent_buildid ?? 0, node] as const),
  );
  return new Map(
    having.map((parent, i) => {
      const own = nodes.get(parent) ?? [];
      return [parent, { nodes: own.slice(0, mostChildren), more: i >= mostParents || own.length > mostChildren }];
    }),
  );
}

/** Those of these builds that triggered others; nearly all did not. */
async function findParents(connection: Connection, buildids: readonly number[]): Promise<number[]> {
  if (buildids.length === 0) return [];
  const given = connection.dialect.rowsOf(
    ["integer"],
    buildids.map((id) => [id]),
  );
  const rows = await queryRows<{ id: number }>(
    connection,
    `with v(id) as (${given.sql}) select v.id from v where exists (select 1 from buildsets bs where bs.parent_buildid = v.id)`,
    given.bindings,
  );
  return rows.map(({ id }) => id);
}

/** Of several codebases it is an object, and no one revision says what was built. */
function revisionIn(got: string | null): string | null {
  if (got === null) return null;
  try {
    const value: unknown = JSON.parse(got);
    return typeof value === "string" && value !== "" ? value : null;
  } catch {
    return null;
  }
}
