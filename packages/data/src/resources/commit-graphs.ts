import { queryRows } from "@multimaster/database";
import { defineResource, type ReadContext } from "../model/define-resource.ts";
import { integer } from "../model/field-kinds.ts";

/** How far back the common commit is looked for. */
const maxSteps = 100;

/** Two commits and the way from the newest one they share to each of them, both ends included. */
export const commitGraphs = defineResource({
  name: "commit_graph",
  plural: "commit_graphs",
  rights: { needs: [] },
  id: "common",
  fields: { common: { schema: integer }, to1: { schema: integer.array() }, to2: { schema: integer.array() } },
  paths: [
    {
      pattern: "codebases/n:codebaseid/commit_range/n:commitid1/n:commitid2/commits_common_parent",
      kind: "single",
      rows: readGraph,
    },
  ],
});

async function readGraph(
  context: ReadContext,
): Promise<{ common: number; to1: number[]; to2: number[] }[] | undefined> {
  const first = await readAncestors(context, context.params["commitid1"] as number);
  const second = await readAncestors(context, context.params["commitid2"] as number);
  const common = first.find((id) => second.includes(id));
  if (common === undefined) return undefined;
  const wayTo = (ancestors: readonly number[]) => ancestors.slice(0, ancestors.indexOf(common) + 1).toReversed();
  return [{ common, to1: wayTo(first), to2: wayTo(second) }];
}

/** The commit and its ancestors, nearest first. */
export async function readAncestors({ connection, params }: ReadContext, commitid: number): Promise<number[]> {
  const rows = await queryRows<{ id: number }>(
    connection,
    `with recursive line(id, parent, depth) as (
       select id, parent_commitid, 0 from codebase_commits where id = cast(? as bigint) and codebaseid = cast(? as bigint)
       union all
       select c.id, c.parent_commitid, line.depth + 1 from codebase_commits c join line on c.id = line.parent
        where line.depth < ${maxSteps})
     select id from line order by depth`,
    [commitid, params["codebaseid"]],
  );
  return rows.map((row) => row.id);
}
