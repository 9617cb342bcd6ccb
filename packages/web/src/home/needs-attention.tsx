import type { Failing } from "@multimaster/data";
import { type QueryState, useRows } from "../api/live-query.ts";
import type { ChosenProject } from "../builders/use-project.tsx";
import { FailingRow } from "../components/failing-row.tsx";
import { MutedFailures } from "../components/muted-failures.tsx";
import { Panel, Rows } from "../components/page.tsx";

/** Rows that are shown; the note says how many there are. */
const mostShown = 12;

/** What fails on the main branches, the longest failing first; of a project only its builders. */
export function useAttention(project: ChosenProject): QueryState<Failing> {
  return useRows(
    "failing",
    project.isKnown ? "failing" : undefined,
    { projectid: project.id, watched: true, configured: true, muted: false, order: "since", limit: mostShown },
    ["builds/*/finished", "notes/*/*"],
  );
}

export function NeedsAttention({ of: failing, project }: { of: QueryState<Failing>; project: ChosenProject }) {
  const total = failing.total ?? 0;
  return (
    <Panel
      title="Needs attention"
      note={
        <a href={project.name ? `/failing?project=${encodeURIComponent(project.name)}` : "/failing"}>
          {total > 0 ? `${total} failing: all branches` : "other branches"}
        </a>
      }
    >
      <Rows of={failing} empty={<NothingFails project={project} />}>
        {(rows) => (
          <ul class="list">
            {rows.map((line) => (
              <FailingRow key={line.lineid} line={line} />
            ))}
          </ul>
        )}
      </Rows>
      <MutedFailures query={{ projectid: project.id, watched: true, configured: true }} />
    </Panel>
  );
}

/** Says so only if all builds were read, and there are some. */
function NothingFails({ project }: { project: ChosenProject }) {
  const history = useRows("standing", "standing", {}, ["builds/*/finished"]).rows?.find(
    ({ kind }) => kind === "history",
  );
  const builds = useRows("builds", "builds", { complete: true, limit: 1, field: ["buildid", "complete"] }, [
    "builds/*/finished",
  ]);
  const muted = useRows(
    "failing",
    "failing",
    {
      projectid: project.id,
      watched: true,
      configured: true,
      muted: true,
      field: ["lineid", "projectid", "watched", "configured", "muted"],
      limit: 1,
    },
    ["builds/*/finished", "notes/*/*"],
  );
  if (history === undefined || builds.rows === undefined) return <>…</>;
  if (history.state !== "ok") return <>Nothing of what was read fails. {history.sentence}</>;
  if (muted.rows === undefined) return <>…</>;
  if (muted.rows.length > 0) return <>Nothing fails on main and release branches but what is muted.</>;
  if (builds.rows.length === 0) return <>No build has finished yet.</>;
  return (
    <>
      Nothing fails: the newest source of each builder{project.name && ` of ${project.name}`} passes on main and release
      branches.
    </>
  );
}
