import type { Build, Change } from "@multimaster/data";
import { useRows } from "../api/live-query.ts";
import { ChangeRow } from "../components/change-row.tsx";
import { Panel, Rows } from "../components/page.tsx";
import { ResultMark } from "../components/result-token.tsx";
import { useBuilderNames } from "../format/names.ts";
import { propertyText } from "../format/properties.ts";
import { standingOf } from "../format/result.ts";
import { isBy, type Visitor } from "../format/visitor.ts";

/** The visitor's own changes with their builds; `builds` are the latest of the cluster. */
export function MyChanges({ visitor, builds }: { visitor: Visitor; builds: readonly Build[] }) {
  const latest = useRows("changes", "changes", { order: "-changeid", limit: 200 }, ["changes/*/new"]);
  const mine = latest.rows?.filter(({ author }) => isBy(visitor, author)).slice(0, 6);
  return (
    <Panel title="My changes" note={<a href="/changes">all changes</a>}>
      <Rows of={{ rows: mine, error: latest.error }} empty="None of the latest changes is yours.">
        {(rows) => (
          <ul class="list">
            {rows.map((change) => (
              <ChangeRow key={change.changeid} change={change}>
                <Results of={builds.filter((build) => isOf(build, change))} />
              </ChangeRow>
            ))}
          </ul>
        )}
      </Rows>
    </Panel>
  );
}

function Results({ of: builds }: { of: readonly Build[] }) {
  const builderName = useBuilderNames();
  return builds.map((build) => {
    const standing = standingOf(build);
    return (
      <a key={build.buildid} href={`/builders/${build.builderid}/builds/${build.number}`}>
        <ResultMark standing={standing} title={`${builderName(build.builderid)} #${build.number}: ${standing}`} />
      </a>
    );
  });
}

function isOf({ properties }: Build, { revision }: Change): boolean {
  return revision !== null && ["got_revision", "revision"].some((name) => propertyText(properties, name) === revision);
}
