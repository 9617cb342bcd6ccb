import type { Build, Buildset, Change } from "@multimaster/data";
import { useRows } from "../api/live-query.ts";
import { BranchLink } from "../components/branch-link.tsx";
import { ForeignLink } from "../components/foreign-link.tsx";
import { Person } from "../components/person.tsx";
import { shortRevision } from "../format/properties.ts";
import { type BuiltSource, listSources } from "../format/sources.ts";

/** Sources of a build that are shown; a build of more is rare, and the properties have all. */
const mostShown = 20;

/** What a build has built, by codebase: branch, revision with a link to its page, and the author of that revision. */
export function BuildSources({ build, buildset }: { build: Build; buildset: Buildset | undefined }) {
  const changes = useRows("changes", `builds/${build.buildid}/changes`);
  const sources = listSources(build.properties, buildset?.sourcestamps ?? []).slice(0, mostShown);
  return (
    <>
      {sources.map((source) => (
        <div key={source.codebase} class="wide">
          <dt>{source.codebase === "" ? "Source" : `Source ${source.codebase}`}</dt>
          <dd class="in-text">
            <Source source={source} change={changes.rows?.find((change) => isOf(source, change))} />
          </dd>
        </div>
      ))}
    </>
  );
}

const isOf = ({ codebase, revision }: BuiltSource, change: Change) =>
  revision !== "" && change.revision === revision && change.codebase === codebase;

function Source({ source: { branch, revision }, change }: { source: BuiltSource; change: Change | undefined }) {
  const code = <code title={revision}>{shortRevision(revision)}</code>;
  return (
    <>
      <BranchLink branch={branch} />{" "}
      {revision && (change?.revlink ? <ForeignLink href={change.revlink}>{code}</ForeignLink> : code)}
      {change && (
        <>
          {" "}
          <Person author={change.author} />
        </>
      )}
    </>
  );
}
