/** Where a file of a revision belongs; null: it is of no interest. */
export type SplitFile = (
  path: string,
) => { branch: string | null; path: string; project?: string; codebase?: string } | null | undefined;

/** The usual layout: trunk, and each directory below branches. The branch is the path that the step `svn` checks out. */
export const splitBranches: SplitFile = (path) => {
  const [first = "", second = "", ...rest] = path.split("/");
  if (first === "trunk") return { branch: "trunk", path: [second, ...rest].filter(Boolean).join("/") };
  if (first === "branches" && second !== "") return { branch: `branches/${second}`, path: rest.join("/") };
  return null;
};
