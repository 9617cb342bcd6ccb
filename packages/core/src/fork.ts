/** The property that says whether a change is a fork's code. Only the hook of a forge sets it. */
export const forkProperty = "pullrequest_fork";

/** The property of a build that says whether its code is trusted. Only the engine sets it, and no step may change it. */
export const trustedProperty = "trusted";

/** What git finds below `refs/` without that prefix: `pull/8/head`. A branch of such a name counts as a forge's, too. */
const shortRequestRef =
  /^(?:(?:pull|pulls|pull-requests|merge-requests|pipelines)\/\d+|changes\/\d+\/\d+|keep-around\/[0-9a-f]+)(?:\/|$)/i;

/**
 * Whether a ref is made by a forge instead of pushed by a user with write access: refs of pull requests, merge requests and
 * Gerrit changes, and the forge's own (`refs/keep-around`, `refs/pipelines`). Anyone's code may be behind such a ref. A
 * program that gets the name may read it more generously than the git step: blanks and signs around it and the case count for nothing.
 */
export function isRequestRef(branch: string): boolean {
  const ref = branch.replace(/^[^\p{L}\p{N}]+/u, "").trim();
  return (/^refs\//i.test(ref) && !/^refs\/(?:heads|tags)\//.test(ref)) || shortRequestRef.test(ref);
}

/**
 * Whether these properties (values, or `[value, source]`) belong to a change or build of a fork's code. A pull request,
 * recognized by its properties or by the property `branch`, counts as a fork's unless its properties say otherwise.
 */
export function isOfFork(properties: Readonly<Record<string, unknown>>): boolean {
  const read = (name: string): unknown => {
    const value = Object.hasOwn(properties, name) ? properties[name] : undefined;
    return Array.isArray(value) ? value[0] : value;
  };
  const fork = read(forkProperty);
  if (fork === false) return false;
  if (fork !== undefined) return true;
  const branch = read("branch");
  if (typeof branch === "string" && isRequestRef(branch)) return true;
  return Object.keys(properties).some((name) => name.startsWith("pullrequest"));
}
