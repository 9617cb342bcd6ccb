import type { Build, Builder, BuildRequest, Failing, ForceScheduler, TryScheduler } from "@multimaster/data";
import { useState } from "preact/hooks";
import { type QueryState, useRow, useRows } from "../api/live-query.ts";
import { BranchFilter } from "../builder/branch-filter.tsx";
import { BuildTable } from "../builder/build-table.tsx";
import { ForceDialog } from "../builder/force-dialog.tsx";
import { keyOf, listFields, valuesOfQuery } from "../builder/force-fields.ts";
import { TryDialog } from "../builder/try-dialog.tsx";
import { BuildStrip } from "../components/build-strip.tsx";
import { any, Choice } from "../components/choice.tsx";
import { FailingRow } from "../components/failing-row.tsx";
import { Failure, Page, Panel, Rows, Skeleton } from "../components/page.tsx";
import { ResultToken } from "../components/result-token.tsx";
import { When } from "../components/when.tsx";
import { useMasterNames } from "../format/names.ts";
import { sourceProperties } from "../format/properties.ts";
import { standingOf } from "../format/result.ts";
import { formatDuration, median } from "../format/time.ts";
import { useVisitor } from "../format/visitor.ts";
import { navigate, usePlace, withQuery } from "../router.ts";
import { NotFoundPage } from "./not-found.tsx";

const step = 50;
/** Results to filter by, and what the server is asked for. */
const results: Readonly<Record<string, { readonly complete: boolean; readonly results?: number }>> = {
  success: { complete: true, results: 0 },
  warnings: { complete: true, results: 1 },
  failure: { complete: true, results: 2 },
  exception: { complete: true, results: 4 },
  cancelled: { complete: true, results: 6 },
  retry: { complete: true, results: 5 },
  running: { complete: false },
};

/** One builder: a bar for each of its last builds, then the list of its builds. */
export function BuilderPage({ params: { builder: id = "" } }: { params: Readonly<Record<string, string>> }) {
  const { row: builder, error } = useRow("builders", `builders/${encodeURIComponent(id)}`, {}, ["builders/*/*"]);
  if (error?.status === 404) return <NotFoundPage what={`There is no builder ${id}.`} />;
  if (!builder) return <Page title="Builder">{error ? <Failure error={error} /> : <Skeleton />}</Page>;
  return <BuilderView key={builder.builderid} builder={builder} />;
}

function BuilderView({ builder }: { builder: Builder }) {
  const place = usePlace();
  const [limit, setLimit] = useState(step);
  const here = `builders/${builder.builderid}` as const;
  const result = place.query.get("result") ?? "";
  const line = place.query.get("line") ?? "";
  const builds = useRows(
    "builds",
    line === "" ? `${here}/builds` : `lines/${line}/builds`,
    { order: "-number", limit, property: sourceProperties, ...results[result] },
    [`${here}/builds/*/*`],
  );
  // The summary is of the last builds, whatever the list is filtered by.
  const recent = useRows("builds", `${here}/builds`, { order: "-number", limit: step, property: sourceProperties }, [
    `${here}/builds/*/*`,
  ]);
  const forms = useRows("forceschedulers", `${here}/forceschedulers`, {}, ["schedulers/*/*"]);
  const form = forms.rows?.find(({ name, enabled }) => enabled && name === place.query.get("force"));
  // The address of the open form can be passed on, with values of its fields.
  const setForm = (opened: ForceScheduler | undefined) => {
    const fields = form ? listFields(form.all_fields).map((field) => [keyOf(field), undefined] as const) : [];
    navigate(withQuery(place, { ...Object.fromEntries(fields), force: opened?.name }), { replace: true });
  };
  const failing = useFailingBranches(builder.builderid);
  const waiting = useWaiting(builder.builderid);
  // What arrives late must not push down what is read already.
  const isRead = [recent, failing, waiting].every(({ rows, error }) => rows !== undefined || error !== undefined);
  const tries = useTries(builder.name);
  const [tried, setTried] = useState<TryScheduler>();
  const filter = (by: Readonly<Record<string, string>>) => navigate(withQuery(place, by), { replace: true });
  return (
    <Page
      title={builder.name}
      standing={recent.rows?.[0] && standingOf(recent.rows[0])}
      above={<a href="/builders">Builders</a>}
      actions={[
        ...(forms.rows ?? [])
          .filter(({ enabled }) => enabled)
          .map((each) => (
            <button type="button" class="primary" key={each.name} onClick={() => setForm(each)}>
              {each.button_name === each.name ? each.label : each.button_name}
            </button>
          )),
        ...tries.map((each) => (
          <button type="button" key={`try ${each.name}`} onClick={() => setTried(each)}>
            {tries.length === 1 ? "Try a difference" : `Try a difference: ${each.name}`}
          </button>
        )),
      ]}
    >
      {tried && <TryDialog scheduler={tried} builder={builder.name} onClose={() => setTried(undefined)} />}
      {form && (
        <ForceDialog
          key={form.name}
          form={form}
          builderid={builder.builderid}
          values={valuesOfQuery(form.all_fields, place.query)}
          onClose={() => setForm(undefined)}
        />
      )}
      <About builder={builder} />
      {isRead ? (
        <>
          {recent.rows && recent.rows.length > 0 && <Summary builds={recent.rows} />}
          <FailingBranches of={failing} />
          <WaitingRequests of={waiting} builderid={builder.builderid} />
          <div class="filters">
            <Choice
              label="Result"
              value={result}
              options={[any, ...Object.keys(results)]}
              onChoose={(value) => filter({ result: value })}
            />
            <BranchFilter builderid={builder.builderid} lineid={line} onChoose={(lineid) => filter({ line: lineid })} />
          </div>
          <Rows
            of={builds}
            empty={
              result === "" && line === ""
                ? "No builds yet. A change, a timer or the button above starts one."
                : line === ""
                  ? "No build has this result."
                  : "None of the newest 500 builds of this branch matches the filter."
            }
          >
            {(all) => (
              <>
                <BuildTable builds={all} />
                {all.length >= limit && (
                  <button type="button" onClick={() => setLimit(limit + 100)}>
                    Older builds
                  </button>
                )}
              </>
            )}
          </Rows>
        </>
      ) : (
        <Skeleton lines={8} />
      )}
    </Page>
  );
}

/** The try schedulers of a builder, of a visitor who may use them: for others they are closed. */
function useTries(builder: string): readonly TryScheduler[] {
  const mayTry = useVisitor()?.tries === true;
  const { rows = [] } = useRows("tryschedulers", mayTry ? "tryschedulers" : undefined, {}, ["schedulers/*/*"]);
  return mayTry ? rows.filter(({ enabled, builder_names: names }) => enabled && names.includes(builder)) : [];
}

function About({ builder }: { builder: Builder }) {
  const masterName = useMasterNames();
  return (
    <p class="about">
      {builder.description && <span>{builder.description}</span>}
      {builder.tags.map((tag) => (
        <a class="tag" key={tag} href={`/builders?tag=${encodeURIComponent(tag)}`}>
          {tag}
        </a>
      ))}
      <span class="quiet">
        {builder.masterids.length === 0
          ? "No engine has this builder now: its requests wait."
          : `on ${builder.masterids.map(masterName).join(", ")}`}
      </span>
    </p>
  );
}

function useWaiting(builderid: number): QueryState<BuildRequest> {
  const here = `builders/${builderid}` as const;
  return useRows("buildrequests", `${here}/buildrequests`, { claimed: false }, [`${here}/buildrequests/*/*`]);
}

function WaitingRequests({ of: waiting, builderid }: { of: QueryState<BuildRequest>; builderid: number }) {
  if (!waiting.rows || waiting.rows.length === 0) return null;
  return (
    <Panel title="Waiting" note={<a href={`/queue?builder=${builderid}`}>why?</a>}>
      <ul class="list">
        {waiting.rows.map((request) => (
          <li key={request.buildrequestid} data-row>
            <ResultToken standing="pending" label="" />
            <a class="grow" href={`/buildrequests/${request.buildrequestid}`}>
              request {request.buildrequestid}
            </a>
            <span class="quiet">
              since <When at={request.submitted_at} />
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Summary({ builds }: { builds: readonly Build[] }) {
  const ended = builds.filter(({ results }) => results !== null && [0, 1, 2, 4].includes(results));
  const good = ended.filter(({ results }) => results === 0 || results === 1);
  const middle = median(ended.map((build) => (build.complete_at ?? 0) - build.started_at));
  return (
    <div class="summary">
      <BuildStrip builds={builds.slice(0, 50)} tall />
      <dl>
        <div>
          <dt>Succeeded</dt>
          <dd>{ended.length === 0 ? "–" : `${Math.round((good.length / ended.length) * 100)} %`}</dd>
        </div>
        <div>
          <dt>Median</dt>
          <dd>{middle === undefined ? "–" : formatDuration(middle)}</dd>
        </div>
      </dl>
    </div>
  );
}

/** The branches on which the builder fails now. */
function useFailingBranches(builderid: number): QueryState<Failing> {
  const here = `builders/${builderid}` as const;
  return useRows("failing", `${here}/failing`, { order: "-watched", limit: 5 }, [
    `${here}/builds/*/finished`,
    "notes/*/*",
  ]);
}

function FailingBranches({ of: failing }: { of: QueryState<Failing> }) {
  const total = failing.total ?? 0;
  if (!failing.rows || failing.rows.length === 0) return null;
  return (
    <Panel title="Fails on" note={total > failing.rows.length ? `${failing.rows.length} of ${total} branches` : ""}>
      <ul class="list">
        {failing.rows.map((line) => (
          <FailingRow key={line.lineid} line={line} />
        ))}
      </ul>
    </Panel>
  );
}
