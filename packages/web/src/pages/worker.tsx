import { useRow, useRows } from "../api/live-query.ts";
import { BuildStrip } from "../components/build-strip.tsx";
import { Failure, Page, Panel, Rows, Skeleton } from "../components/page.tsx";
import { ResultToken } from "../components/result-token.tsx";
import { Took, When } from "../components/when.tsx";
import { WorkerActions } from "../components/worker-actions.tsx";
import { WorkerFacts } from "../components/worker-facts.tsx";
import { WorkerHistory } from "../components/worker-history.tsx";
import { WorkerStateToken } from "../components/worker-state.tsx";
import { useBuilderNames, useMasterNames } from "../format/names.ts";
import { standingOf } from "../format/result.ts";
import { NotFoundPage } from "./not-found.tsx";

/** One worker: its state, its recent builds, what it reports about itself. */
export function WorkerPage({ params: { worker: id = "" } }: { params: Readonly<Record<string, string>> }) {
  const { row: worker, error } = useRow("workers", `workers/${encodeURIComponent(id)}`, {}, ["workers/*/*"]);
  const builds = useRows("builds", worker && `workers/${worker.workerid}/builds`, { order: "-buildid", limit: 50 }, [
    "builds/*/*",
  ]);
  const builderName = useBuilderNames();
  const masterName = useMasterNames();
  if (error?.status === 404) return <NotFoundPage what={`There is no worker ${id}.`} />;
  if (!worker) return <Page title="Worker">{error ? <Failure error={error} /> : <Skeleton />}</Page>;
  const info = Object.entries(worker.workerinfo as Readonly<Record<string, unknown>>).filter(
    ([, value]) => value !== null && value !== "" && typeof value !== "object",
  );
  const builderIds = [...new Set(worker.configured_on.map(({ builderid }) => builderid))];
  return (
    <Page title={worker.name} above={<a href="/workers">Workers</a>} actions={<WorkerActions worker={worker} />}>
      <p class="about">
        <WorkerStateToken worker={worker} />
        {worker.connected_to.length > 0 && (
          <span>at {worker.connected_to.map(({ masterid }) => masterName(masterid)).join(", ")}</span>
        )}
        <span class="quiet">
          for{" "}
          {builderIds.slice(0, 8).map((builderid, i) => (
            <>
              {i > 0 && ", "}
              <a href={`/builders/${builderid}`}>{builderName(builderid)}</a>
            </>
          ))}
          {builderIds.length > 8 && ` and ${builderIds.length - 8} more`}
        </span>
      </p>
      <WorkerFacts worker={worker} />
      <div class="columns">
        <Panel title="Builds">
          <Rows of={builds} empty="This worker has built nothing yet.">
            {(rows) => (
              <>
                {builderIds.length === 1 && <BuildStrip builds={rows} tall />}
                <ul class="list">
                  {rows.slice(0, 20).map((build) => (
                    <li key={build.buildid} data-row>
                      <ResultToken standing={standingOf(build)} label="" />
                      <a class="grow" href={`/builders/${build.builderid}/builds/${build.number}`}>
                        {builderName(build.builderid)} <span class="num">#{build.number}</span>
                      </a>
                      <Took from={build.started_at} to={build.complete_at} />
                      <span class="quiet when">
                        <When at={build.started_at} />
                      </span>
                    </li>
                  ))}
                </ul>
              </>
            )}
          </Rows>
        </Panel>
        <WorkerHistory workerid={worker.workerid} />
        <Panel title="About this worker">
          <dl class="pairs">
            {info.map(([name, value]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{String(value)}</dd>
              </div>
            ))}
          </dl>
          {info.length === 0 && <p class="empty">This worker has not described itself yet.</p>}
        </Panel>
      </div>
    </Page>
  );
}
