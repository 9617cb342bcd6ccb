import { useState } from "preact/hooks";
import { useRows } from "../api/live-query.ts";
import { ChangeRow } from "../components/change-row.tsx";
import { Page, Rows } from "../components/page.tsx";
import { navigate, usePlace, withQuery } from "../router.ts";

/** The changes, newest first. */
export function ChangesPage() {
  const place = usePlace();
  const [limit, setLimit] = useState(60);
  const changes = useRows("changes", "changes", { order: "-changeid", limit }, ["changes/*/new"]);
  const text = (place.query.get("q") ?? "").toLowerCase();
  const shown = changes.rows
    ?.filter((change) =>
      [change.author, change.comments, change.branch, change.revision, change.project]
        .join(" ")
        .toLowerCase()
        .includes(text),
    )
    .sort((a, b) => b.changeid - a.changeid);
  return (
    <Page
      title="Changes"
      actions={
        <a class="button" href="/console">
          Console
        </a>
      }
    >
      <div class="filters">
        <input
          type="search"
          aria-label="Filter changes"
          placeholder="Filter by author, text, branch, revision"
          value={place.query.get("q") ?? ""}
          onInput={(event) => navigate(withQuery(place, { q: event.currentTarget.value }), { replace: true })}
        />
      </div>
      <Rows
        of={{ rows: shown, error: changes.error }}
        empty={
          text
            ? "No change matches the filter."
            : "No changes yet: they come from change sources and from hooks of your forge."
        }
      >
        {(rows) => (
          <ul class="list boxed">
            {rows.map((change) => (
              <ChangeRow key={change.changeid} change={change} />
            ))}
          </ul>
        )}
      </Rows>
      {(changes.rows?.length ?? 0) >= limit && (
        <button type="button" onClick={() => setLimit(limit + 100)}>
          Older changes
        </button>
      )}
    </Page>
  );
}
