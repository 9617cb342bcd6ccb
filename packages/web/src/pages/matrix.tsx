import type { Build } from "@multimaster/data";
import { useMemo } from "preact/hooks";
import { useRows } from "../api/live-query.ts";
import { any, Choice } from "../components/choice.tsx";
import { Empty, Failure, Page, Skeleton } from "../components/page.tsx";
import { ResultMark } from "../components/result-token.tsx";
import { When } from "../components/when.tsx";
import { arrangeByRevision, type RevisionRow } from "../format/matrix.ts";
import { type BuilderFacts, useBuilders } from "../format/names.ts";
import { personName, shortRevision } from "../format/properties.ts";
import { standingOf } from "../format/result.ts";
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
  const all = useMemo(
    () => changes.rows && builds.rows && arrangeByRevision(changes.rows, builds.rows),
    [changes.rows, builds.rows],
  );
  const error = changes.error ?? builds.error;
  if (!all) return <Page title={title}>{error ? <Failure error={error} /> : <Skeleton lines={8} />}</Page>;
  const rows = all.filter((row) => branch === "" || row.branch === branch).slice(0, isTurned ? 12 : 60);
  const used = new Set(rows.flatMap((row) => [...row.builds.keys()]));
  const columns = (builders.rows ?? [])
    .filter((builder) => used.has(builder.builderid) && (tag === "" || builder.tags.includes(tag)))
    .sort((a, b) => (a.tags[0] ?? "").localeCompare(b.tags[0] ?? "") || a.name.localeCompare(b.name));
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
        {tags.length > 0 && (
          <Choice
            label="Tag"
            value={tag}
            options={[any, ...tags]}
            onChoose={(value) => navigate(withQuery(place, { tag: value }))}
          />
        )}
      </div>
      {rows.length === 0 ? (
        <Empty>No change and no build with a revision yet.</Empty>
      ) : (
        <Table rows={rows} columns={columns} isTurned={isTurned} />
      )}
    </Page>
  );
}

function Table({
  rows,
  columns,
  isTurned,
}: {
  rows: readonly RevisionRow[];
  columns: readonly BuilderFacts[];
  isTurned: boolean;
}) {
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
          <tr>
            <th>{isTurned ? "Builder" : "Change"}</th>
            {isTurned
              ? rows.map((row) => (
                  <th key={row.revision}>
                    <RevisionHead row={row} />
                  </th>
                ))
              : columns.map((builder) => <th key={builder.builderid}>{builderLink(builder)}</th>)}
          </tr>
        </thead>
        <tbody>
          {isTurned
            ? columns.map((builder) => (
                <tr key={builder.builderid}>
                  <th scope="row">{builderLink(builder)}</th>
                  {rows.map((row) => cell(row, builder))}
                </tr>
              ))
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
        {change ? <a href={`/changes/${change.changeid}`}>{change.comments.split("\n")[0]}</a> : <i>no change known</i>}
      </div>
      <div class="quiet cut">
        {change ? personName(change.author) : "forced"} {branch && `· ${branch}`} · <When at={at} />
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
