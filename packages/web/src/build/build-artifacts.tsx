import type { Artifact, Build } from "@multimaster/data";
import { useState } from "preact/hooks";
import type { useRows } from "../api/live-query.ts";
import { Empty, Rows } from "../components/page.tsx";
import { Table } from "../components/table.tsx";
import { formatBytes } from "../format/bytes.ts";
import { type Directory, listDirectory, listSteps } from "../format/directories.ts";
import { useBuilderNames } from "../format/names.ts";
import { usePlace, withQuery } from "../router.ts";

/** How many artifacts are drawn at first. */
const firstShown = 200;

/** The files that a build left, by directory or by a part of their names, each to be downloaded. */
export function BuildArtifacts({
  build,
  artifacts,
}: {
  build: Build;
  artifacts: ReturnType<typeof useRows<"artifacts">>;
}) {
  const [text, setText] = useState("");
  const path = usePlace().query.get("dir") ?? "";
  return (
    <Rows
      of={artifacts}
      empty={
        <>
          This build has left no files. The step <code>upload</code> keeps them.
        </>
      }
    >
      {(rows) => {
        const wanted = text.toLowerCase();
        const shown: Directory<Artifact> =
          text === ""
            ? listDirectory(rows, path)
            : { directories: [], files: rows.filter(({ name }) => name.toLowerCase().includes(wanted)) };
        const bytes = rows.reduce((sum, { size }) => sum + size, 0);
        const count = rows.length === artifacts.total ? rows.length : `the first ${rows.length} of ${artifacts.total}`;
        return (
          <>
            <div class="filters">
              <input
                type="search"
                aria-label="Filter artifacts by name"
                placeholder="Filter artifacts"
                value={text}
                onInput={(event) => setText(event.currentTarget.value)}
              />
              <span class="quiet num">
                {count}, {formatBytes(bytes)}
              </span>
            </div>
            {text === "" && <Way path={path} />}
            {shown.directories.length + shown.files.length === 0 ? (
              <Empty>
                {text === "" ? (
                  <>There is no directory “{path}” among these artifacts.</>
                ) : (
                  <>
                    {rows.length === artifacts.total ? "No artifact" : `None of the first ${rows.length} artifacts`} has
                    “{text}” in its name.
                  </>
                )}
              </Empty>
            ) : (
              <ArtifactTable builderid={build.builderid} shown={shown} path={text === "" ? path : ""} />
            )}
          </>
        );
      }}
    </Rows>
  );
}

/** Links to the directories above this one. */
function Way({ path }: { path: string }) {
  const place = usePlace();
  if (path === "") return null;
  const steps = listSteps(path);
  return (
    <nav class="crumbs" aria-label="Directory">
      <a href={withQuery(place, { dir: "" })}>all artifacts</a>
      {steps.map((step, i) =>
        i + 1 === steps.length ? (
          <span key={step.path} aria-current="page">
            {step.name}
          </span>
        ) : (
          <a key={step.path} href={withQuery(place, { dir: step.path })}>
            {step.name}
          </a>
        ),
      )}
    </nav>
  );
}

function ArtifactTable({
  builderid,
  shown: { directories, files },
  path,
}: {
  builderid: number;
  shown: Directory<Artifact>;
  path: string;
}) {
  const [most, setMost] = useState(firstShown);
  const place = usePlace();
  const builder = useBuilderNames()(builderid);
  return (
    <>
      <Table
        head={
          <>
            <th>Name</th>
            <th class="right">Size</th>
            <th>SHA-256</th>
            <th>Always the newest</th>
          </>
        }
      >
        {directories.map(({ name, files: count, bytes }) => (
          <tr key={`${name}/`} data-row>
            <td class="wide">
              <a href={withQuery(place, { dir: `${path}${name}/` })}>{name}/</a>
            </td>
            <td class="right num">{formatBytes(bytes)}</td>
            <td class="quiet">{count === 1 ? "1 file" : `${count} files`}</td>
            <td />
          </tr>
        ))}
        {files.slice(0, most).map(({ artifactid, name, size, sha256, from_fork: isFork }) => (
          <tr key={artifactid} data-row>
            <td class="wide">
              <a href={`/artifacts/${artifactid}/${encodeName(name)}`} download>
                {name.slice(path.length)}
              </a>
            </td>
            <td class="right num">{formatBytes(size)}</td>
            <td class="quiet">
              <code title={sha256}>{sha256.slice(0, 12)}</code>
            </td>
            <td>
              {!isFork && (
                <a
                  href={`/artifacts/latest/${encodeURIComponent(builder)}/${encodeName(name)}`}
                  title="The file of this name of the newest successful build of this builder"
                  download
                >
                  latest
                </a>
              )}
            </td>
          </tr>
        ))}
      </Table>
      {files.length > most && (
        <button type="button" onClick={() => setMost(most + 1000)}>
          Show more
        </button>
      )}
    </>
  );
}

const encodeName = (name: string) => name.split("/").map(encodeURIComponent).join("/");
