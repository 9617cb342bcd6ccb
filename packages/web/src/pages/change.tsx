import { useRow, useRows } from "../api/live-query.ts";
import { ChangeState } from "../change/change-state.tsx";
import { BranchLink } from "../components/branch-link.tsx";
import { BuildList } from "../components/build-list.tsx";
import { ForeignLink } from "../components/foreign-link.tsx";
import { Failure, Page, Panel, Rows, Skeleton } from "../components/page.tsx";
import { Person } from "../components/person.tsx";
import { When } from "../components/when.tsx";
import { NotFoundPage } from "./not-found.tsx";

/** One change: its comments, its files, its builds. */
export function ChangePage({ params: { change: id = "" } }: { params: Readonly<Record<string, string>> }) {
  const path = `changes/${encodeURIComponent(id)}` as const;
  const { row: change, error } = useRow("changes", path);
  const builds = useRows("builds", `${path}/builds`, { order: "-buildid", limit: 500 }, ["builds/*/*"]);
  if (error?.status === 404) return <NotFoundPage what={`There is no change ${id}.`} />;
  if (!change) return <Page title="Change">{error ? <Failure error={error} /> : <Skeleton />}</Page>;
  const [subject, ...rest] = change.comments.split("\n");
  return (
    <Page
      title={subject || `Change ${id}`}
      heading={<bdi>{subject || `Change ${id}`}</bdi>}
      above={<a href="/changes">Changes</a>}
    >
      <dl class="facts">
        <div>
          <dt>Author</dt>
          <dd>
            <Person author={change.author} isFull />
          </dd>
        </div>
        <div>
          <dt>When</dt>
          <dd>
            <When at={change.when_timestamp} />
          </dd>
        </div>
        {change.branch && (
          <div>
            <dt>Branch</dt>
            <dd>
              <BranchLink branch={change.branch} />
            </dd>
          </div>
        )}
        {change.revision && (
          <div>
            <dt>Revision</dt>
            <dd>
              {change.revlink ? (
                <ForeignLink href={change.revlink}>
                  <code>{change.revision}</code>
                </ForeignLink>
              ) : (
                <code>{change.revision}</code>
              )}
            </dd>
          </div>
        )}
        {change.repository && (
          <div>
            <dt>Repository</dt>
            <dd class="break">{change.repository}</dd>
          </div>
        )}
      </dl>
      {rest.join("\n").trim() && <pre class="comments">{rest.join("\n").trim()}</pre>}
      {builds.rows && <ChangeState builds={builds.rows} />}
      <div class="columns">
        <Panel title="Builds">
          <Rows of={builds} empty="This change has not been built yet.">
            {(rows) => <BuildList builds={rows} />}
          </Rows>
        </Panel>
        <Panel title="Files" note={String(change.files.length)}>
          <ul class="files">
            {change.files.map((file) => (
              <li key={file}>
                <code>{file}</code>
              </li>
            ))}
          </ul>
        </Panel>
      </div>
    </Page>
  );
}
