/** Whether git could have a ref of that name: its rules (git-check-ref-format), which leave no room for a refspec. */
export function isRefName(name: string): boolean {
  return (
    name !== "" &&
    name !== "@" &&
    name.length <= 1024 &&
    !/\p{Surrogate}/u.test(name) &&
    !name.startsWith("-") &&
    !name.endsWith(".") &&
    !name.includes("..") &&
    !name.includes("@{") &&
    // biome-ignore lint/suspicious/noControlCharactersInRegex: git forbids control characters, so they are named here
    !/[\u0000-\u0020\u007f~^:?*[\\]/.test(name) &&
    name.split("/").every((part) => part !== "" && !part.startsWith(".") && !part.endsWith(".lock"))
  );
}

/** A whole object name, SHA-1 or SHA-256. */
export function isFullHash(text: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/i.test(text);
}

/** Whether the name is one that a hook or a user gives to a branch: neither a full ref nor HEAD. */
export function isPlainBranch(branch: string): boolean {
  return branch !== "HEAD" && !branch.startsWith("refs/");
}

/** Full names of what a branch may mean, the first that exists counts. Hooks report tags as branches. */
export function listCandidates(branch: string): readonly string[] {
  return isPlainBranch(branch) ? [`refs/heads/${branch}`, `refs/tags/${branch}`] : [branch];
}

/** A ref that a forge makes of a pull request and its target: its commit is the merge of both. */
export function isMergeRef(ref: string): boolean {
  return /^refs\/(?!heads\/|tags\/).+\/merge$/.test(ref);
}
