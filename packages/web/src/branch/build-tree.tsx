import type { BranchBuild, BranchBuilder } from "@multimaster/data";
import { ResultToken } from "../components/result-token.tsx";
import { Took, When } from "../components/when.tsx";
import { shortRevision } from "../format/properties.ts";
import { standingOf } from "../format/result.ts";
import { unlistedChildren } from "./branch-standing.ts";

/** The builds of a branch: of each builder the newest and what is open, each with what it triggered below it. */
export function BuildTree({ builders }: { builders: readonly BranchBuilder[] }) {
  return (
    <ul class="list build-tree">
      {builders.flatMap(({ builds, behind, configured, buildid }) =>
        builds.map((build) => (
          <TreeRow
            key={build.buildrequestid}
            build={build}
            also={
              build.depth > 0
                ? ""
                : [
                    ...(behind && build.buildid === buildid ? ["of an older commit"] : []),
                    ...(configured ? [] : ["no engine has this builder"]),
                  ].join(", ")
            }
            others={unlistedChildren(build, builds)}
          />
        )),
      )}
    </ul>
  );
}

function TreeRow({ build, also, others }: { build: BranchBuild; also: string; others: string }) {
  const standing = standingOf(build);
  const href =
    build.buildid === null
      ? `/buildrequests/${build.buildrequestid}`
      : `/builders/${build.builderid}/builds/${build.number}`;
  return (
    <li data-row style={{ paddingLeft: `${14 + 24 * build.depth}px` }}>
      <ResultToken standing={standing} />
      <div class="grow in-text">
        <a href={href}>
          {build.builder} {build.number !== null && <span class="num">#{build.number}</span>}
        </a>{" "}
        {build.revision && <code title={build.revision}>{shortRevision(build.revision)}</code>}{" "}
        <span class="quiet">
          {[also, childWords(build)].filter(Boolean).join(" · ")}
          {others && (
            <>
              {" "}
              <a href={`${href}?tab=children`}>{others}</a>
            </>
          )}
        </span>
      </div>
      <Took from={build.started_at} to={build.complete_at} />
      <span class="quiet when">{build.complete_at !== null && <When at={build.complete_at} />}</span>
    </li>
  );
}

function childWords({ children, children_failed: failed, children_more: more }: BranchBuild): string {
  if (children === 0) return "";
  const all = `triggered ${more ? "more than " : ""}${children === 1 ? "1 build" : `${children} builds`}`;
  return failed > 0 ? `${all}, ${failed} failed` : all;
}
