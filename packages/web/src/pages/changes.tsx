import { useState } from "preact/hooks";
import { useRows } from "../api/live-query.ts";
import { ChangeRow } from "../components/change-row.tsx";
import { Page, Rows } from "../components/page.tsx";
import { navigate, usePlace, withQuery } from "../router.ts";

/** The changes, newest first. */
export function ChangesPage() {
  const place = usePlace();
  const [limit, setLimit] = useState(60);
  const text = (place.query.get("q") ?? "").trim();
  const changes = useRows(
    "changes",
    text === "" ? "changes" : `changes/search/${encodeURIComponent(text)}`,
    { order: "-changeid", limit },
    ["changes/*/new"],
  );
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
        of={changes}
        empty={
          text
            ? "None of the newest 10,000 changes matches the filter."
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
