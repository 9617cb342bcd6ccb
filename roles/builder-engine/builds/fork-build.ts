import { forkProperty, isOfFork, isRequestRef, type SourcedProperties } from "@multimaster/core";
import type { RequestDetails } from "@multimaster/data";

type Asked = Pick<RequestDetails, "sourceStamps" | "changes" | "properties">;

/**
 * Whether what a request builds is a fork's code, or may be. It is asked of the rows from before the build: what a step of it
 * sets as a property is a stranger's word.
 */
export function isForkBuild({ sourceStamps, changes, properties: given }: Asked): boolean {
  const properties = dropFormsWord(given);
  // A patch is in no repository, so no one has accepted it.
  if (sourceStamps.some(({ patch }) => patch !== null)) return true;
  if (changes.some((change) => isOfFork({ branch: change.branch, ...change.properties }))) return true;
  if (isOfFork(properties)) return true;
  if (Object.hasOwn(properties, forkProperty)) return false;
  const known = new Set(changes.map(({ sourcestamp }) => sourcestamp.ssid));
  return sourceStamps.some(({ ssid, branch }) => !known.has(ssid) && isRequestRef(branch ?? ""));
}

/** A form may not say that code is no fork's. */
function dropFormsWord(properties: SourcedProperties): SourcedProperties {
  if (properties[forkProperty]?.[1] !== "Force Build Form" || properties[forkProperty][0] !== false) return properties;
  const { [forkProperty]: _, ...others } = properties;
  return others;
}

/** The property by which triggered builds know this: their source stamps may have no change that says it. */
export function forkPropertyOf(request: Asked): Readonly<Record<string, boolean>> {
  if (isForkBuild(request)) return { [forkProperty]: true };
  return request.sourceStamps.some(({ branch }) => isRequestRef(branch ?? "")) ? { [forkProperty]: false } : {};
}

/** Strangers' code works in a directory of its own, so that what it leaves there is in no other build's way. */
export function nameForkDirectory(builddir: string): string {
  // No cleaned name of a builder has this character.
  return `${builddir}~forks`;
}
