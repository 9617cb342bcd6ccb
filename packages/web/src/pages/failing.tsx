import { useState } from "preact/hooks";
import { useRows } from "../api/live-query.ts";
import { ProjectChoice, useProject } from "../builders/use-project.tsx";
import { Choice } from "../components/choice.tsx";
import { FailingRow } from "../components/failing-row.tsx";
import { MutedFailures } from "../components/muted-failures.tsx";
import { Page, Rows } from "../components/page.tsx";
import { navigate, usePlace, withQuery } from "../router.ts";
import { NotFoundPage } from "./not-found.tsx";

const step = 50;
const which = [
  ["", "all branches"],
  ["watched", "main and release branches"],
] as const;

/** Everything that fails now, on all branches; text and branches are searched by the server. */
export function FailingPage() {
  const place = usePlace();
  const [limit, setLimit] = useState(step);
  const text = place.query.get("q") ?? "";
  const branches = place.query.get("branches") ?? "";
  const project = useProject();
  const wanted = {
    ...(text === "" ? {} : { words__contains: text.toLowerCase() }),
    ...(branches === "watched" ? { watched: true } : {}),
    projectid: project.id,
  };
  const failing = useRows(
    "failing",
    project.isKnown ? "failing" : undefined,
    {
      order: "-since",
      limit,
      muted: false,
      ...wanted,
    },
    ["builds/*/finished", "notes/*/*"],
  );
  const filter = (by: Readonly<Record<string, string>>) => navigate(withQuery(place, by), { replace: true });
  if (project.isMissing) return <NotFoundPage what={`There is no project ${project.name}.`} />;
  return (
    <Page title="Failing" standing={failing.rows?.length ? "failure" : undefined}>
      <div class="filters">
        <input
          type="search"
          aria-label="Filter by builder or branch"
          placeholder="Builder or branch"
          value={text}
          onInput={(event) => filter({ q: event.currentTarget.value })}
        />
        <Choice label="Branches" value={branches} options={which} onChoose={(value) => filter({ branches: value })} />
        <ProjectChoice />
        <span class="spacer" />
        <span class="quiet num">{failing.total ?? ""}</span>
      </div>
      <Rows
        of={failing}
        empty={
          text === "" && branches === "" && project.name === ""
            ? "No builder fails on any branch that was read."
            : "Nothing that fails matches the filter."
        }
      >
        {(rows) => (
          <ul class="list boxed">
            {rows.map((line) => (
              <FailingRow key={line.lineid} line={line} isLong />
            ))}
          </ul>
        )}
      </Rows>
      {(failing.rows?.length ?? 0) >= limit && (
        <button type="button" onClick={() => setLimit(limit + 100)}>
          More
        </button>
      )}
      <MutedFailures query={wanted} />
    </Page>
  );
}
