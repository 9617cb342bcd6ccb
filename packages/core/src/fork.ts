/** The property that says whether a change is a fork's code. Only the hook of a forge sets it. */
export const forkProperty = "pullrequest_fork";

/**
 * Whether a ref is one that a forge makes, and not one that somebody pushes who may: of pull requests, merge requests and
 * Gerrit's changes, and of whatever else it keeps (`refs/keep-around`, `refs/pipelines`). Anybody's code may be behind one.
 */
export function isRequestRef(branch: string): boolean {
  return /^refs\/(?!heads\/|tags\/)/.test(branch);
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
