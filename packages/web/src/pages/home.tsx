import type { Build } from "@multimaster/data";
import { type QueryState, useRows } from "../api/live-query.ts";
import { Page, Panel, Rows, siteTitle } from "../components/page.tsx";
import { Progress } from "../components/progress.tsx";
import { ResultMark } from "../components/result-token.tsx";
import { Took, When } from "../components/when.tsx";
import { estimateOf } from "../format/estimates.ts";
import { useBuilderNames, useWorkerNames } from "../format/names.ts";
import { propertyText, shortRevision, sourceProperties } from "../format/properties.ts";
import { standingOf } from "../format/result.ts";
import { useVisitor } from "../format/visitor.ts";
import { MyChanges } from "../home/my-changes.tsx";
import { NeedsAttention, useAttention } from "../home/needs-attention.tsx";

/** What needs attention, what runs, what waits, and what has finished. */
export function HomePage() {
  const running = useRows(
    "builds",
    "builds",
    { complete: false, order: "started_at", limit: 60, property: sourceProperties },
    ["builds/*/*"],
  );
  const recent = useRows(
    "builds",
    "builds",
    { complete: true, order: "-buildid", limit: 200, property: sourceProperties },
    ["builds/*/finished"],
  );
  const visitor = useVisitor();
  const attention = useAttention();
  return (
    <Page
      title={siteTitle}
      heading="Now"
      standing={attention.rows && attention.rows.length > 0 ? "failure" : undefined}
    >
      <div class="columns">
        {visitor && !visitor.anonymous && (
          <MyChanges visitor={visitor} builds={[...(running.rows ?? []), ...(recent.rows ?? [])]} />
        )}
        <NeedsAttention of={attention} />
        <Running of={running} recent={recent.rows ?? []} />
        <Queue />
        <Finished of={recent} />
      </div>
    </Page>
  );
}

function Running({ of: running, recent }: { of: QueryState<Build>; recent: readonly Build[] }) {
  const builderName = useBuilderNames();
  const workerName = useWorkerNames();
  return (
    <Panel title="Running" note={running.rows?.length ? String(running.rows.length) : ""}>
      <Rows of={running} empty="Nothing runs. A change, a timer or a user starts a build.">
        {(rows) => (
          <ul class="list">
            {rows.map((build) => (
              <li key={build.buildid} data-row>
                <ResultMark standing="running" />
                <div class="grow">
                  <a href={`/builders/${build.builderid}/builds/${build.number}`}>
                    {builderName(build.builderid)} <span class="num">#{build.number}</span>
                  </a>
                  <div class="quiet cut">
                    {build.state_string} · {workerName(build.workerid)} {branchWords(build)}
                  </div>
                </div>
                <Progress from={build.started_at} estimate={estimateOf(recent, build.builderid)} />
              </li>
            ))}
          </ul>
        )}
      </Rows>
    </Panel>
  );
}

function Queue() {
  const waiting = useRows("buildrequests", "buildrequests", { claimed: false, order: "submitted_at", limit: 60 }, [
    "buildrequests/*/*",
  ]);
  const builderName = useBuilderNames();
  return (
    <Panel title="Queue" note={waiting.rows?.length ? <a href="/queue">{waiting.rows.length} waiting: why?</a> : ""}>
      <Rows of={waiting} empty="Nothing waits.">
        {(rows) => (
          <ul class="list">
            {rows.slice(0, 8).map((request) => (
              <li key={request.buildrequestid} data-row>
                <ResultMark standing="pending" />
                <a class="grow" href={`/buildrequests/${request.buildrequestid}`}>
                  {builderName(request.builderid)}
                </a>
                <span class="quiet">
                  since <When at={request.submitted_at} />
                </span>
              </li>
            ))}
          </ul>
        )}
      </Rows>
    </Panel>
  );
}

function Finished({ of: recent }: { of: QueryState<Build> }) {
  const builderName = useBuilderNames();
  return (
    <Panel title="Recently finished">
      <Rows of={recent} empty="No build has finished yet.">
        {(rows) => (
          <ul class="list">
            {rows.slice(0, 15).map((build) => (
              <li key={build.buildid} data-row>
                <ResultMark standing={standingOf(build)} />
                <div class="grow cut">
                  <a href={`/builders/${build.builderid}/builds/${build.number}`}>
                    {builderName(build.builderid)} <span class="num">#{build.number}</span>
                  </a>{" "}
                  <span class="quiet">{branchWords(build)}</span>
                </div>
                <Took from={build.started_at} to={build.complete_at} />
                <span class="quiet when">{build.complete_at && <When at={build.complete_at} />}</span>
              </li>
            ))}
          </ul>
        )}
      </Rows>
    </Panel>
  );
}

function branchWords({ properties }: Build): string {
  const branch = propertyText(properties, "branch");
  const revision = propertyText(properties, "got_revision", "revision");
  return [branch && `· ${branch}`, revision && `@ ${shortRevision(revision)}`].filter(Boolean).join(" ");
}
