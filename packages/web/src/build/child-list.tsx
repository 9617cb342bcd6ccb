import type { Build } from "@multimaster/data";
import { ResultToken } from "../components/result-token.tsx";
import { Took } from "../components/when.tsx";
import { useBuilderNames } from "../format/names.ts";
import { isBad, standingOf } from "../format/result.ts";

/** Up to so many that succeeded are shown; more are folded. */
const mostShown = 5;

/** Builds that a build has triggered: those that failed first, then those that go on, and those that succeeded folded if they are many. */
export function ChildList({ builds }: { builds: readonly Build[] }) {
  const bad = builds.filter((child) => isBad(standingOf(child)));
  const good = builds.filter((child) => standingOf(child) === "success");
  const others = builds.filter((child) => !bad.includes(child) && !good.includes(child));
  const isFolded = good.length > mostShown && bad.length + others.length > 0;
  return (
    <>
      <ul class="list boxed">
        {[...bad, ...others, ...(isFolded ? [] : good)].map((child) => (
          <Child key={child.buildid} child={child} />
        ))}
      </ul>
      {isFolded && (
        <details class="gone">
          <summary>{good.length} succeeded</summary>
          <ul class="list boxed">
            {good.map((child) => (
              <Child key={child.buildid} child={child} />
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

function Child({ child }: { child: Build }) {
  const builderName = useBuilderNames();
  return (
    <li data-row>
      <ResultToken standing={standingOf(child)} />
      <a class="grow" href={`/builders/${child.builderid}/builds/${child.number}`}>
        {builderName(child.builderid)} <span class="num">#{child.number}</span>
      </a>
      <span class="quiet cut">{child.state_string}</span>
      <Took from={child.started_at} to={child.complete_at} />
    </li>
  );
}
