import type { Row } from "@multimaster/data/client";
import { standingOf } from "../format/result.ts";
import { formatDuration } from "../format/time.ts";

/** The fields of a build that a bar shows. */
export const barFields = [
  "buildid",
  "number",
  "builderid",
  "started_at",
  "complete",
  "complete_at",
  "results",
] as const;
export type BarFacts = Row<"builds", (typeof barFields)[number]>;

/** One bar for each build, the newest on the right: the height is the duration, the colour the result. */
export function BuildStrip({ builds, tall = false }: { builds: readonly BarFacts[]; tall?: boolean }) {
  const sorted = [...builds].sort((a, b) => a.number - b.number);
  const now = Date.now() / 1000;
  const longest = sorted.reduce((most, build) => Math.max(most, (build.complete_at ?? now) - build.started_at), 10);
  return (
    <span class={tall ? "strip tall" : "strip"}>
      {sorted.map((build) => {
        const standing = standingOf(build);
        const seconds = (build.complete_at ?? now) - build.started_at;
        const label = `#${build.number} ${standing}, ${formatDuration(seconds)}`;
        return (
          <a
            key={build.buildid}
            href={`/builders/${build.builderid}/builds/${build.number}`}
            class={standing}
            title={label}
            aria-label={label}
            tabIndex={tall ? 0 : -1}
          >
            <i style={{ height: `${25 + 75 * Math.sqrt(seconds / longest)}%` }} />
          </a>
        );
      })}
    </span>
  );
}
