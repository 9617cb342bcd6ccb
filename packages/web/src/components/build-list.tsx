import type { Build } from "@multimaster/data";
import { useBuilderNames } from "../format/names.ts";
import { standingOf } from "../format/result.ts";
import { ResultToken } from "./result-token.tsx";
import { Took } from "./when.tsx";

/** Builds of any builders, a row each: result, name, duration. */
export function BuildList({ builds }: { builds: readonly Build[] }) {
  const builderName = useBuilderNames();
  return (
    <ul class="list">
      {builds.map((build) => (
        <li key={build.buildid} data-row>
          <ResultToken standing={standingOf(build)} />
          <a class="grow" href={`/builders/${build.builderid}/builds/${build.number}`}>
            {builderName(build.builderid)} <span class="num">#{build.number}</span>
          </a>
          <Took from={build.started_at} to={build.complete_at} />
        </li>
      ))}
    </ul>
  );
}
