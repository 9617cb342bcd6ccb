import type { Build } from "@multimaster/data";

/** The newest build of each builder: an older one of the same source was replaced by it. */
export function newestBuilds<B extends Pick<Build, "buildid" | "builderid">>(builds: readonly B[]): B[] {
  const newest = new Map<number, B>();
  for (const build of builds)
    if (build.buildid > (newest.get(build.builderid)?.buildid ?? 0)) newest.set(build.builderid, build);
  return [...newest.values()].sort((a, b) => a.builderid - b.builderid);
}
