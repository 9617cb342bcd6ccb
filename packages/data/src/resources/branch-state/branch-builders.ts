import { type Connection, queryRows } from "@multimaster/database";
import type { z } from "zod";
import { defineResource, plainFields, type ReadContext } from "../../model/define-resource.ts";
import { bool, datetime, entity, integer, text } from "../../model/field-kinds.ts";
import { arrangeTree, type Children, type PlacedNode, type TreeNode } from "./arrange-tree.ts";
import { findHeads, findOpenRequests, type Line, readLines } from "./lines-of-branch.ts";
import { type BuildRow, nodeOfBuild, nodesOfRequests, readBuilds, readChildren, readRequests } from "./read-nodes.ts";

const branchBuild = entity("branch_build", {
  buildrequestid: integer,
  /** Null: the request waits, or was never built. */
  buildid: integer.nullable(),
  number: integer.nullable(),
  builderid: integer,
  builder: text,
  /** The build that triggered it. */
  parent_buildid: integer.nullable(),
  /** 0: no build of the list triggered it. */
  depth: integer,
  complete: bool,
  results: integer.nullable(),
  started_at: datetime.nullable(),
  complete_at: datetime.nullable(),
  state_string: text,
  revision: text.nullable(),
  /** Builds that it triggered, and that failed among them, of which 20 are listed; `children_more`: there are more than were read. */
  children: integer,
  children_failed: integer,
  children_more: bool,
});

const shape = {
  builderid: integer,
  builder: text,
  projectid: integer.nullable(),
  /** Some live master has the builder. */
  configured: bool,
  /** The build of the newest source that passed or failed, and its result; null: none has. */
  buildid: integer.nullable(),
  results: integer.nullable(),
  failing: bool,
  /** The branch has a newer change than that build had. */
  behind: bool,
  /** How many of its builds of the branch run, and how many of its requests wait. */
  running: integer,
  waiting: integer,
  /**
   * The build of the newest source, and what is open, each followed by the builds that it triggered, those that failed first.
   * What a build of another builder triggered stands there instead, so it may be empty.
   */
  builds: branchBuild.array(),
};

export type BranchBuild = z.output<typeof branchBuild>;
export type BranchBuilder = z.output<z.ZodObject<typeof shape>>;

/** What all builders say of a branch: its state, and its builds as a tree. A branch has the name that `failing` calls its source. */
export const branchBuilders = defineResource({
  name: "branch_builder",
  plural: "branch_builders",
  rights: { needs: ["builders", "builds", "buildrequests", "changes"] },
  id: "builderid",
  fields: plainFields(shape),
  rows: async () => [],
  paths: [{ pattern: "branch_builders/s:source", kind: "collection", rows: readBranchBuilders }],
});

async function readBranchBuilders({ connection, params }: ReadContext): Promise<BranchBuilder[]> {
  const source = String(params["source"]);
  const lines = await readLines(connection, source);
  const builds = await readBuilds(
    connection,
    [...lines.values()].map(({ buildid }) => buildid),
  );
  const requests = await readRequests(connection, await findOpenRequests(connection, source));
  const open = await nodesOfRequests(connection, requests);
  const roots = [...[...builds.values()].map(nodeOfBuild), ...open];
  const trees = arrangeTree(roots, await readDescendants(connection, roots));
  const builders = await readBuilders(
    connection,
    roots.map(({ builderid }) => builderid),
  );
  const isBehind = await judgeBehind(connection, source, builds);
  return builders.map(({ configured, ...builder }): BranchBuilder => {
    const line = lines.get(builder.builderid);
    const own = roots.filter(({ builderid }) => builderid === builder.builderid);
    const ownOpen = own.filter(({ complete }) => !complete);
    return {
      ...builder,
      configured: configured === 1,
      buildid: line?.buildid ?? null,
      results: builds.get(line?.buildid ?? 0)?.results ?? null,
      failing: line?.failing ?? false,
      behind: line !== undefined && isBehind(line),
      running: ownOpen.filter(({ started_at }) => started_at !== null).length,
      waiting: ownOpen.filter(({ started_at }) => started_at === null).length,
      builds: own.flatMap(({ buildrequestid }): PlacedNode[] => trees.get(buildrequestid) ?? []),
    };
  });
}

/** Builds below builds are read so deep. */
const deepest = 4;

async function readDescendants(connection: Connection, roots: readonly TreeNode[]): Promise<Map<number, Children>> {
  const found = new Map<number, Children>();
  let level = roots;
  for (let depth = 1; depth < deepest && level.length > 0; depth += 1) {
    const parents = [...new Set(level.flatMap(({ buildid }) => buildid ?? []))].filter((id) => !found.has(id));
    const children = await readChildren(connection, parents);
    for (const [parent, each] of children) found.set(parent, each);
    level = [...children.values()].flatMap(({ nodes }) => nodes);
  }
  return found;
}

/** With a function that says whether the branch has a newer change than the build of a line had. */
async function judgeBehind(
  connection: Connection,
  source: string,
  builds: ReadonlyMap<number, BuildRow>,
): Promise<(line: Line) => boolean> {
  const codebases = [...builds.values()].flatMap(({ codebase }) => codebase ?? []);
  const heads = await findHeads(connection, source, codebases);
  // Of several codebases no one change says where the build stands.
  return ({ buildid, position }) => {
    const codebase = builds.get(buildid)?.codebase ?? null;
    return codebase !== null && position < (heads.get(codebase) ?? 0);
  };
}

function readBuilders(connection: Connection, ids: readonly number[]) {
  const wanted = connection.dialect.isOneOf("bu.id", [...new Set(ids)]);
  return queryRows<{ builderid: number; builder: string; projectid: number | null; configured: number }>(
    connection,
    `select bu.id as builderid, bu.name as builder, bu.projectid,
            case when exists (select 1 from builder_masters m where m.builderid = bu.id) then 1 else 0 end as configured
       from builders bu where ${wanted.sql} order by bu.name`,
    wanted.bindings,
  );
}
