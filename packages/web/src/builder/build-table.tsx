import type { Build } from "@multimaster/data";
import { useRows } from "../api/live-query.ts";
import { BranchLink } from "../components/branch-link.tsx";
import { ResultToken } from "../components/result-token.tsx";
import { Table } from "../components/table.tsx";
import { Took, When } from "../components/when.tsx";
import { useWorkerNames } from "../format/names.ts";
import { personName, propertyText, shortRevision } from "../format/properties.ts";
import { standingOf } from "../format/result.ts";

/** Revisions that one request asks for: more would make its address too long for some proxies. */
const mostRevisions = 40;

/** Builds of one builder, each with the change that it built. */
export function BuildTable({ builds }: { builds: readonly Build[] }) {
  const parts = Array.from({ length: Math.ceil(builds.length / mostRevisions) }, (_, i) =>
    builds.slice(i * mostRevisions, (i + 1) * mostRevisions),
  );
  return (
    <Table
      head={
        <>
          <th>Build</th>
          <th>Result</th>
          <th>Change</th>
          <th>Branch</th>
          <th class="right">Took</th>
          <th>Worker</th>
          <th>When</th>
        </>
      }
    >
      {parts.map((part) => (
        <BuildRows key={part[0]?.buildid} builds={part} />
      ))}
    </Table>
  );
}

const revisionOf = ({ properties }: Build) => propertyText(properties, "got_revision", "revision");

function BuildRows({ builds }: { builds: readonly Build[] }) {
  const revisions = [...new Set(builds.map(revisionOf))].filter((revision) => revision !== "").sort();
  const changes = useRows(
    "changes",
    revisions.length > 0 ? "changes" : undefined,
    { revision: revisions, field: ["changeid", "revision", "branch", "author", "comments"] },
    [],
  );
  const workerName = useWorkerNames();
  return builds.map((build) => {
    const revision = revisionOf(build);
    const branch = propertyText(build.properties, "branch");
    const found = changes.rows?.filter((change) => change.revision === revision) ?? [];
    const change = found.find((each) => each.branch === branch) ?? found[0];
    return (
      <tr key={build.buildid}>
        <td>
          <a class="num" href={`/builders/${build.builderid}/builds/${build.number}`}>
            #{build.number}
          </a>
        </td>
        <td>
          <ResultToken standing={standingOf(build)} />
        </td>
        <td class="wide cut">
          {revision && <code>{shortRevision(revision)}</code>}{" "}
          {change ? (
            <>
              <a href={`/changes/${change.changeid}`}>
                <bdi>{change.comments.split("\n")[0]}</bdi>
              </a>{" "}
              <span class="quiet">
                <bdi>{personName(change.author)}</bdi>
              </span>
            </>
          ) : (
            <span class="quiet">{build.complete && build.results === 0 ? "" : build.state_string}</span>
          )}
        </td>
        <td class="branch-cell" title={branch}>
          <BranchLink branch={branch} />
        </td>
        <td class="right">
          <Took from={build.started_at} to={build.complete_at} />
        </td>
        <td>{workerName(build.workerid)}</td>
        <td class="quiet">
          <When at={build.started_at} />
        </td>
      </tr>
    );
  });
}
