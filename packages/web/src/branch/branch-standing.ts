import type { BranchBuild, BranchBuilder } from "@multimaster/data";
import { isBad, type Standing, standingOf } from "../format/result.ts";

type Counted = Pick<BranchBuilder, "results" | "running" | "waiting" | "configured">;

/** The one state of a branch, over all builders that built it or are to build it. */
export function standingOfBranch(builders: readonly Counted[]): { standing: Standing; words: string } {
  const ended = builders.filter(({ results }) => results !== null);
  const failed = ended.filter(({ results }) => isBad(standingOf({ complete: true, results })));
  const sum = (of: "running" | "waiting") => builders.reduce((all, each) => all + each[of], 0);
  const [running, waiting] = [sum("running"), sum("waiting")];
  const words = [
    ...(ended.length > 0 ? [`${ended.length - failed.length} of ${countBuilders(ended.length)} pass`] : []),
    ...(failed.length > 0 ? [`${failed.length} ${failed.length === 1 ? "fails" : "fail"}`] : []),
    ...(running > 0 ? [`${running} ${running === 1 ? "build runs" : "builds run"}`] : []),
    ...(waiting > 0 ? [`${waiting} ${waiting === 1 ? "request waits" : "requests wait"}`] : []),
  ];
  const standing =
    failed.length > 0
      ? "failure"
      : running > 0
        ? "running"
        : waiting > 0
          ? "pending"
          : ended.length > 0
            ? "success"
            : "skipped";
  return { standing, words: words.join(", ") };
}

const countBuilders = (n: number) => (n === 1 ? "1 builder" : `${n} builders`);

/**
 * What builds again all that failed: the newest builds that failed, without those that one of the others triggers again. Of a builder
 * that builds or waits nothing, since its state is not known yet.
 */
export function failedBuilds(builders: readonly BranchBuilder[]): number[] {
  const busy = new Set(
    builders.filter(({ running, waiting }) => running + waiting > 0).map(({ builderid }) => builderid),
  );
  const again = new Set<number>();
  const newest = new Set(builders.flatMap(({ buildid }) => buildid ?? []));
  for (const { builds } of builders) {
    // A child follows its parent.
    const covered = new Set<number>();
    for (const build of builds) {
      const { buildid, parent_buildid: parent } = build;
      if (buildid === null) continue;
      const isCovered = parent !== null && covered.has(parent);
      if (isCovered) covered.add(buildid);
      else if (newest.has(buildid) && isBad(standingOf(build)) && !busy.has(build.builderid)) {
        again.add(buildid);
        covered.add(buildid);
      }
    }
  }
  return [...again];
}

/** Shown first: what failed, then what is open, then what passed; each by name. */
export function orderBuilders(builders: readonly BranchBuilder[]): BranchBuilder[] {
  const rank = ({ results, running, waiting }: BranchBuilder) =>
    results !== null && isBad(standingOf({ complete: true, results })) ? 0 : running + waiting > 0 ? 1 : 2;
  return [...builders].sort((a, b) => rank(a) - rank(b) || a.builder.localeCompare(b.builder));
}

/** Children of a build that its tree does not list. */
export function unlistedChildren(build: BranchBuild, builds: readonly BranchBuild[]): string {
  const listed = builds.filter(({ parent_buildid: parent }) => parent !== null && parent === build.buildid).length;
  const others = build.children - listed;
  if (build.children_more) return "and others";
  return others > 0 ? `and ${others} others` : "";
}
