import type { Build } from "@multimaster/data";
import { useMemo } from "preact/hooks";
import { useRows } from "../api/live-query.ts";
import { Empty, Failure, Page, Skeleton } from "../components/page.tsx";
import { ResultMark } from "../components/result-token.tsx";
import { When } from "../components/when.tsx";
import { arrangeByRevision, type RevisionRow } from "../format/matrix.ts";
import { useBuilders } from "../format/names.ts";
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
          options={branches}
          onChoose={(value) => navigate(withQuery(place, { branch: value }))}
        />
        {tags.length > 0 && (
          <Choice
            label="Tag"
            value={tag}
            options={tags}
            onChoose={(value) => navigate(withQuery(place, { tag: value }))}
          />
        )}
      </div>
      {rows.length === 0 ? (
        <Empty>No change and no build with a revision yet.</Empty>
      ) : (
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
                  : columns.map(({ builderid, name }) => (
                      <th key={builderid}>
                        <a href={`/builders/${builderid}`}>{name}</a>
                      </th>
                    ))}
              </tr>
            </thead>
            <tbody>
              {isTurned
                ? columns.map(({ builderid, name }) => (
                    <tr key={builderid}>
                      <th scope="row">
                        <a href={`/builders/${builderid}`}>{name}</a>
                      </th>
                      {rows.map((row) => (
                        <td key={row.revision}>
                          <Cell builds={row.builds.get(builderid)} name={name} />
                        </td>
                      ))}
                    </tr>
                  ))
                : rows.map((row) => (
                    <tr key={row.revision}>
                      <th scope="row">
                        <RevisionTitle row={row} />
                      </th>
                      {columns.map(({ builderid, name }) => (
                        <td key={builderid}>
                          <Cell builds={row.builds.get(builderid)} name={name} />
                        </td>
                      ))}
                    </tr>
                  ))}
            </tbody>
          </table>
        </div>
      )}
    </Page>
  );
}

function Choice({
  label,
  value,
  options,
  onChoose,
}: {
  label: string;
  value: string;
  options: readonly string[];
  onChoose: (value: string) => void;
}) {
  return (
    <label>
      <span class="quiet">{label}</span>{" "}
      <select value={value} onChange={(event) => onChoose(event.currentTarget.value)}>
        <option value="">any</option>
        {options.map((option) => (
          <option key={option}>{option}</option>
        ))}
      </select>
    </label>
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
