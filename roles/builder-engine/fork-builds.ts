import { isOfFork } from "@multimaster/core";
import type { RequestDetails } from "@multimaster/data";

/** Appended to a builder's directory; no cleaned name of a builder has this character. */
const suffix = "~forks";

/** Whether a build runs a fork's code, or code of which no one says that it is not a fork's. */
export function buildsFork({ changes, properties, sourceStamps }: RequestDetails): boolean {
  const known = Object.assign({}, ...changes.map((change) => change.properties), properties);
  return (
    changes.some((change) => isOfFork({ ...change.properties, branch: change.branch })) ||
    sourceStamps.some((stamp) => isOfFork({ ...known, branch: stamp.branch }))
  );
}

/** Strangers' code works in a directory of its own: what it leaves there is in no other build's way. */
export function nameForkDirectory(builddir: string): string {
  return `${builddir}${suffix}`;
}
