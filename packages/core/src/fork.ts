/** The property that says whether a change is a fork's code. Only the hook of a forge sets it. */
export const forkProperty = "pullrequest_fork";

/** Refs of pull requests, merge requests and Gerrit's changes: anybody's code may be behind one. */
const requestRefs = /^refs\/(pull|merge-requests|pull-requests|changes)\//;

/** Whether a ref is one that a forge makes for a request, and to which nobody can push a branch. */
export function isRequestRef(branch: string): boolean {
  return requestRefs.test(branch);
}

/**
 * Whether these properties (values, or `[value, source]`) are of a change or build whose code is a fork's. A pull request
 * that does not say so counts as one: by its properties, or by the property `branch`.
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
