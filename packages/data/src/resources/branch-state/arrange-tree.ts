import { append, Results } from "@multimaster/core";

/** A build, or a request that waits for one. */
export interface TreeNode {
  readonly buildrequestid: number;
  /** Null: the request waits, or was never built. */
  readonly buildid: number | null;
  readonly number: number | null;
  readonly builderid: number;
  readonly builder: string;
  /** The build that triggered it. */
  readonly parent_buildid: number | null;
  readonly complete: boolean;
  readonly results: number | null;
  readonly started_at: number | null;
  readonly complete_at: number | null;
  readonly state_string: string;
  readonly revision: string | null;
}

/** What a build triggered; `more`: there are others that were not read. */
export interface Children {
  readonly nodes: readonly TreeNode[];
  readonly more: boolean;
}

export interface PlacedNode extends TreeNode {
  /** 0: no build of the list triggered it. */
  readonly depth: number;
  /** Builds that it triggered, and that failed among them; `children_more`: there are more than were read. */
  readonly children: number;
  readonly children_failed: number;
  readonly children_more: boolean;
}

/** Children of each build that are listed; the others are counted. */
export const mostListed = 20;

const none: Children = { nodes: [], more: false };
const hasFailed = ({ results }: TreeNode) => results === Results.FAILURE || results === Results.EXCEPTION;
const hasPassed = ({ results }: TreeNode) => results === Results.SUCCESS || results === Results.WARNINGS;
/** What asks for attention comes first: failed, then open, then cancelled or skipped, then passed. */
const rankOf = (node: TreeNode) => (hasFailed(node) ? 0 : !node.complete ? 1 : hasPassed(node) ? 3 : 2);

/**
 * Roots with all that they triggered below them, in the order in which a page lists them, by the request of the root. A root that
 * another one triggered is listed, or counted, there alone.
 */
export function arrangeTree(
  roots: readonly TreeNode[],
  childrenOf: ReadonlyMap<number, Children>,
): Map<number, PlacedNode[]> {
  const trees = new Map(roots.map((root) => [root.buildrequestid, place(root, 0, childrenOf)]));
  const below = [...trees.values()].flat().flatMap(({ buildid }) => childrenOf.get(buildid ?? 0)?.nodes ?? []);
  for (const { buildrequestid } of below) trees.delete(buildrequestid);
  return trees;
}

function place(node: TreeNode, depth: number, childrenOf: ReadonlyMap<number, Children>): PlacedNode[] {
  const { nodes, more } = childrenOf.get(node.buildid ?? 0) ?? none;
  const listed = [...nodes]
    .sort((a, b) => rankOf(a) - rankOf(b) || a.buildrequestid - b.buildrequestid)
    .slice(0, mostListed);
  const placed: PlacedNode[] = [
    {
      ...node,
      depth,
      children: nodes.length,
      children_failed: nodes.filter(hasFailed).length,
      children_more: more,
    },
  ];
  for (const child of listed) append(placed, place(child, depth + 1, childrenOf));
  return placed;
}
