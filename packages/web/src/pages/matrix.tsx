import type { Build } from "@multimaster/data";
import { useMemo } from "preact/hooks";
import { useRows } from "../api/live-query.ts";
import { type ColumnGroup, groupColumns } from "../builders/group-columns.ts";
import { ProjectChoice, useProject } from "../builders/use-project.tsx";
import { any, Choice } from "../components/choice.tsx";
import { Empty, Failure, Page, Skeleton } from "../components/page.tsx";
import { ResultMark } from "../components/result-token.tsx";
import { When } from "../components/when.tsx";
import { arrangeByRevision, type RevisionRow } from "../format/matrix.ts";
import { type BuilderFacts, useBuilders, useProjectNames } from "../format/names.ts";
import { personName, shortRevision } from "../format/properties.ts";
import { isBad, standingOf } from "../format/result.ts";
import { navigate, usePlace, withQuery } from "../router.ts";

const properties = ["got_revision", "revision", "branch"];

/** Changes × builders: the builds of each change. */
export function ConsolePage() {
  return <Matrix title="Console" isTurned={false} />;
}

/** The same transposed: builders × revisions, for few revisions of many builders. */
export function GridPage() {
  return <Matrix title="Grid" isTurned />;
}

function Matrix({ title, isTurned }: { title: string; isTurned: boolean }) {
  const place = usePlace();
  const changes = useRows("changes", "changes", { order: "-changeid", limit: 60 }, ["changes/*/new"]);
  const builds = useRows("builds", "builds", { order: "-buildid", limit: 600, property: properties }, ["builds/*/*"]);
  const builders = useBuilders();
  const branch = place.query.get("branch") ?? "";
  const tag = place.query.get("tag") ?? "";
  const project = useProject();
  const onlyFailing = place.query.get("only") === "failing";
  const projects = useProjectNames();
  const all = useMemo(
    () => changes.rows && builds.rows && arrangeByRevision(changes.rows, builds.rows),
    [changes.rows, builds.rows],
  );
  const error = changes.error ?? builds.error;
  if (!all) return <Page title={title}>{error ? <Failure error={error} /> : <Skeleton lines={8} />}</Page>;
  const rows = all.filter((row) => branch === "" || row.branch === branch).slice(0, isTurned ? 12 : 60);
  const used = new Set(rows.flatMap((row) => [...row.builds.keys()]));
  const fails = failingBuilders(rows);
  const groups = groupColumns(
    (builders.rows ?? []).filter(
      (builder) =>
        used.has(builder.builderid) &&
        (tag === "" || builder.tags.includes(tag)) &&
        project.has(builder.builderid) &&
        (!onlyFailing || fails.has(builder.builderid)),
    ),
    projects,
  );
  const tags = [...new Set((builders.rows ?? []).flatMap((builder) => builder.tags))].sort();
  const branches = [...new Set(all.map((row) => row.branch))].filter((name) => name !== "");
  return (
    <Page
      title={title}
      actions={
        <a class="button" href={isTurned ? "/console" : "/grid"}>
          {isTurned ? "Console" : "Grid"}
        </a>
      }
    >
      <div class="filters">
        <Choice
          label="Branch"
          value={branch}
          options={[any, ...branches]}
          onChoose={(value) => navigate(withQuery(place, { branch: value }))}
        />
        <ProjectChoice />
        {tags.length > 0 && (
          <Choice
            label="Tag"
            value={tag}
            options={[any, ...tags]}
            onChoose={(value) => navigate(withQuery(place, { tag: value }))}
          />
        )}
        <button
          type="button"
          class="tag"
          aria-pressed={onlyFailing}
          title="Builders whose newest build that is shown failed"
          onClick={() => navigate(withQuery(place, { only: onlyFailing ? "" : "failing" }))}
        >
          failing only
        </button>
      </div>
      {rows.length === 0 ? (
        <Empty>No change and no build with a revision yet.</Empty>
      ) : groups.length === 0 ? (
        <Empty>No builder of these changes matches the filter.</Empty>
      ) : (
        <Table rows={rows} groups={groups} isTurned={isTurned} />
      )}
    </Page>
  );
}

/** Builders whose newest build among these failed. */
function failingBuilders(rows: readonly RevisionRow[]): ReadonlySet<number> {
  const newest = new Map<number, Build>();
  for (const { builds } of rows)
    for (const [builderid, [build]] of builds)
      if (build && build.number > (newest.get(builderid)?.number ?? 0)) newest.set(builderid, build);
  return new Set([...newest].filter(([, build]) => isBad(standingOf(build))).map(([builderid]) => builderid));
}

function Table({
  rows,
  groups,
  isTurned,
}: {
  rows: readonly RevisionRow[];
  groups: readonly ColumnGroup<BuilderFacts>[];
  isTurned: boolean;
}) {
  const columns = groups.flatMap(({ builders }) => builders);
  const hasHeadings = groups.some(({ heading }) => heading !== "");
  const cell = (row: RevisionRow, { builderid, name }: BuilderFacts) => (
    <td key={`${row.revision} ${builderid}`}>
      <Cell builds={row.builds.get(builderid)} name={name} />
    </td>
  );
  const builderLink = ({ builderid, name }: BuilderFacts) => <a href={`/builders/${builderid}`}>{name}</a>;
  return (
    <div class="table-scroll">
      <table class={isTurned ? "matrix turned" : "matrix"}>
        <thead>
          {!isTurned && hasHeadings && (
            <tr>
              <td />
              {groups.map(({ heading, builders }) => (
                <th key={heading} scope="colgroup" colSpan={builders.length}>
                  {heading || "others"}
                </th>
              ))}
            </tr>
          )}
          <tr>
            <th>{isTurned ? "Builder" : "Change"}</th>
            {isTurned
              ? rows.map((row) => (
                  <th key={row.revision}>
                    <RevisionHead row={row} />
                  </th>
                ))
              : columns.map((builder) => (
                  <th key={builder.builderid} scope="col">
                    {builderLink(builder)}
                  </th>
                ))}
          </tr>
        </thead>
        <tbody>
          {isTurned
            ? groups.flatMap(({ heading, builders }) => [
                ...(hasHeadings
                  ? [
                      <tr key={`# ${heading}`} class="group">
                        <th scope="rowgroup" colSpan={rows.length + 1}>
                          {heading || "others"}
                        </th>
                      </tr>,
                    ]
                  : []),
                ...builders.map((builder) => (
                  <tr key={builder.builderid}>
                    <th scope="row">{builderLink(builder)}</th>
                    {rows.map((row) => cell(row, builder))}
                  </tr>
                )),
              ])
            : rows.map((row) => (
                <tr key={row.revision}>
                  <th scope="row">
                    <RevisionTitle row={row} />
                  </th>
                  {columns.map((builder) => cell(row, builder))}
                </tr>
              ))}
        </tbody>
      </table>
    </div>
  );
}

function RevisionTitle({ row: { change, revision, branch, at } }: { row: RevisionRow }) {
  return (
    <div class="revision">
      <div class="cut">
        <code>{shortRevision(revision)}</code>{" "}
        {change ? (
          <a href={`/changes/${change.changeid}`}>
            <bdi>{change.comments.split("\n")[0]}</bdi>
          </a>
        ) : (
          <i>no change known</i>
        )}
      </div>
      <div class="quiet cut">
        {change ? <bdi>{personName(change.author)}</bdi> : "forced"} {branch && `· ${branch}`} · <When at={at} />
      </div>
    </div>
  );
}

function RevisionHead({ row: { change, revision } }: { row: RevisionRow }) {
  const short = <code>{shortRevision(revision)}</code>;
  return change ? (
    <a href={`/changes/${change.changeid}`} title={change.comments}>
      {short}
    </a>
  ) : (
    short
  );
}

function Cell({ builds = [], name }: { builds: readonly Build[] | undefined; name: string }) {
  return (
    <span class="cell">
      {builds.slice(0, 3).map((build) => (
        <a key={build.buildid} href={`/builders/${build.builderid}/builds/${build.number}`}>
          <ResultMark standing={standingOf(build)} title={`${name} #${build.number} ${standingOf(build)}`} />
        </a>
      ))}
    </span>
  );
}
