import type { BarFacts } from "../components/build-strip.tsx";
import { median } from "./time.ts";

/** How long a build will probably take: the median of earlier successful builds, or of all if none succeeded. */
export function estimateOf(builds: readonly BarFacts[], builderid: number): number | undefined {
  const ended = builds.filter((build) => build.builderid === builderid && build.complete_at !== null);
  const good = ended.filter(({ results }) => results === 0 || results === 1);
  return median((good.length > 0 ? good : ended).map((build) => (build.complete_at ?? 0) - build.started_at));
}
