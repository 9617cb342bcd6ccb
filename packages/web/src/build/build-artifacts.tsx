import type { Artifact } from "@multimaster/data";
import { useState } from "preact/hooks";
import type { useRows } from "../api/live-query.ts";
import { Empty, Rows } from "../components/page.tsx";
import { Table } from "../components/table.tsx";
import { formatBytes } from "../format/bytes.ts";

/** How many artifacts are drawn at first. */
const firstShown = 200;

/** The files that a build left, each to be downloaded. */
export function BuildArtifacts({ artifacts }: { artifacts: ReturnType<typeof useRows<"artifacts">> }) {
  const [text, setText] = useState("");
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
        const shown = rows.filter(({ name }) => name.toLowerCase().includes(text.toLowerCase()));
        const bytes = rows.reduce((sum, { size }) => sum + size, 0);
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
                {rows.length === artifacts.total ? rows.length : `the first ${rows.length} of ${artifacts.total}`},{" "}
                {formatBytes(bytes)}
              </span>
            </div>
            {shown.length === 0 ? (
              <Empty>
                {rows.length === artifacts.total ? "No artifact" : `None of the first ${rows.length} artifacts`} has “
                {text}” in its name.
              </Empty>
            ) : (
              <ArtifactTable rows={shown} />
            )}
          </>
        );
      }}
    </Rows>
  );
}

function ArtifactTable({ rows }: { rows: readonly Artifact[] }) {
  const [shown, setShown] = useState(firstShown);
  return (
    <>
      <Table
        head={
          <>
            <th>Name</th>
            <th class="right">Size</th>
            <th>SHA-256</th>
          </>
        }
      >
        {rows.slice(0, shown).map(({ artifactid, name, size, sha256 }) => (
          <tr key={artifactid} data-row>
            <td class="wide">
              <a href={`/artifacts/${artifactid}/${name.split("/").map(encodeURIComponent).join("/")}`} download>
                {name}
              </a>
            </td>
            <td class="right num">{formatBytes(size)}</td>
            <td class="quiet">
              <code title={sha256}>{sha256.slice(0, 12)}</code>
            </td>
          </tr>
        ))}
      </Table>
      {rows.length > shown && (
        <button type="button" onClick={() => setShown(shown + 1000)}>
          Show more
        </button>
      )}
    </>
  );
}
