/** The property that says whether a change is a fork's code. Only the hook of a forge sets it. */
export const forkProperty = "pullrequest_fork";

/** The property of a build that says whether its code is trusted. Only the engine sets it, and no step may change it. */
export const trustedProperty = "trusted";

/**
 * Whether a ref is made by a forge instead of pushed by a user with write access: refs of pull requests, merge requests and
 * Gerrit changes, and the forge's own (`refs/keep-around`, `refs/pipelines`). Anyone's code may be behind such a ref.
 */
export function isRequestRef(branch: string): boolean {
  return /^refs\/(?!heads\/|tags\/)/.test(branch);
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
