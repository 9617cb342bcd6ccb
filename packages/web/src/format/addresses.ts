/** The page of a branch; its slashes stay slashes. */
export function branchHref(source: string): string {
  return `/branches/${source.split("/").map(encodeURIComponent).join("/")}`;
}

/** The number of the pull or merge request whose branch this is, as hooks name them; undefined: it is another branch. */
export function pullOf(branch: string): string | undefined {
  return /^refs\/(?:pull|merge-requests|pull-requests)\/(\d+)\/(?:head|merge|from)$/.exec(branch)?.[1];
}

/** The branches that changes of a pull or merge request may have. */
export function branchesOfPull(number: string): string[] {
  return [
    `refs/pull/${number}/merge`,
    `refs/pull/${number}/head`,
    `refs/merge-requests/${number}/head`,
    `refs/merge-requests/${number}/merge`,
    `refs/pull-requests/${number}/from`,
    `refs/pull-requests/${number}/merge`,
  ];
}
