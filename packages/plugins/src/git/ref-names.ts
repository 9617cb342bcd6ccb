/** Whether git accepts a ref of that name, by its rules (git-check-ref-format), which also exclude any refspec. */
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

/** Whether the text is a full object name, SHA-1 or SHA-256. */
export function isFullHash(text: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/i.test(text);
}

/** Whether the name is one that a hook or a user uses for a branch: neither a full ref nor HEAD. */
export function isPlainBranch(branch: string): boolean {
  return branch !== "HEAD" && !branch.startsWith("refs/");
}

/** The full refs that a branch may mean; the first that exists counts. Hooks report tags as branches. */
export function listCandidates(branch: string): readonly string[] {
  return isPlainBranch(branch) ? [`refs/heads/${branch}`, `refs/tags/${branch}`] : [branch];
}

/** Whether the ref is a forge's merge of a pull request and its target. */
export function isMergeRef(ref: string): boolean {
  return /^refs\/(?!heads\/|tags\/).+\/merge$/.test(ref);
}
