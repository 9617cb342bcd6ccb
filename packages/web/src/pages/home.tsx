import type { Build } from "@multimaster/data";
import { type QueryState, useRows } from "../api/live-query.ts";
import { type ChosenProject, ProjectChoice, useProject } from "../builders/use-project.tsx";
import { Page, Panel, Rows, siteTitle } from "../components/page.tsx";
import { Progress } from "../components/progress.tsx";
import { ResultMark, ResultToken } from "../components/result-token.tsx";
import { Took, When } from "../components/when.tsx";
import { estimateOf } from "../format/estimates.ts";
import { useBuilderNames, useWorkerNames } from "../format/names.ts";
import { propertyText, shortRevision, sourceProperties } from "../format/properties.ts";
import { standingOf } from "../format/result.ts";
import { useVisitor } from "../format/visitor.ts";
import { FirstSteps } from "../home/first-steps.tsx";
import { MyChanges } from "../home/my-changes.tsx";
import { NeedsAttention, useAttention } from "../home/needs-attention.tsx";
import { NotFoundPage } from "./not-found.tsx";

/** What needs attention, what runs, what waits, and what has finished. */
export function HomePage() {
  const project = useProject();
  const running = useRows(
    "builds",
    "builds",
    { complete: false, order: "started_at", limit: project.name === "" ? 60 : 500, property: sourceProperties },
    ["builds/*/*"],
  );
  const recent = useRows(
    "builds",
    "builds",
    { complete: true, order: "-buildid", limit: 200, property: sourceProperties },
    ["builds/*/finished"],
  );
  const visitor = useVisitor();
  const attention = useAttention(project);
  if (project.isMissing) return <NotFoundPage what={`There is no project ${project.name}.`} />;
  return (
    <Page
      title={siteTitle}
      heading={project.name === "" ? "Now" : <bdi>{project.name}</bdi>}
      standing={attention.rows && attention.rows.length > 0 ? "failure" : undefined}
      actions={<ProjectChoice />}
    >
      {running.rows?.length === 0 && recent.rows?.length === 0 && <FirstSteps />}
      <div class="columns">
        {visitor && !visitor.anonymous && (
          <MyChanges visitor={visitor} builds={[...(running.rows ?? []), ...(recent.rows ?? [])]} />
        )}
        <NeedsAttention of={attention} project={project} />
        <Running of={running} recent={recent.rows ?? []} project={project} />
        <Queue project={project} />
        <Finished of={recent} project={project} />
      </div>
    </Page>
  );
}

/** Those of the project, and what an empty list means: "none" is said only of what was read. */
function ofProject<Row extends { readonly builderid: number }>(
  { rows, total }: QueryState<Row>,
  { name, has }: ChosenProject,
  what: string,
  none: string,
): { rows: readonly Row[] | undefined; none: string } {
  const own = rows?.filter(({ builderid }) => has(builderid));
  const isAll = rows === undefined || (total ?? 0) <= rows.length;
  const which = isAll ? `No ${what}` : `None of the ${rows.length} ${what}s that were read`;
  return { rows: own, none: name === "" ? none : `${which} is of ${name}.` };
}

function Running({
  of: running,
  recent,
  project,
}: {
  of: QueryState<Build>;
  recent: readonly Build[];
  project: ChosenProject;
}) {
  const builderName = useBuilderNames();
  const workerName = useWorkerNames();
  const { rows, none } = ofProject(
    running,
    project,
    "running build",
    "Nothing runs. A change, a timer or a user starts a build.",
  );
  return (
    <Panel title="Running" note={rows?.length ? String(rows.length) : ""}>
      <Rows of={{ rows, error: running.error }} empty={none}>
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

function Queue({ project }: { project: ChosenProject }) {
  const waiting = useRows(
    "buildrequests",
    "buildrequests",
    { claimed: false, order: "submitted_at", limit: project.name === "" ? 60 : 500 },
    ["buildrequests/*/*"],
  );
  const builderName = useBuilderNames();
  const { rows, none } = ofProject(waiting, project, "waiting request", "Nothing waits.");
  return (
    <Panel title="Queue" note={rows?.length ? <a href="/queue">{rows.length} waiting: why?</a> : ""}>
      <Rows of={{ rows, error: waiting.error }} empty={none}>
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

function Finished({ of: recent, project }: { of: QueryState<Build>; project: ChosenProject }) {
  const builderName = useBuilderNames();
  const { rows, none } = ofProject(recent, project, "finished build", "No build has finished yet.");
  return (
    <Panel title="Recently finished">
      <Rows of={{ rows, error: recent.error }} empty={none}>
        {(rows) => (
          <ul class="list">
            {rows.slice(0, 15).map((build) => (
              <li key={build.buildid} data-row>
                <ResultToken standing={standingOf(build)} />
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
