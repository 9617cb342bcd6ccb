import { useEffect } from "preact/hooks";
import { useRows } from "../api/live-query.ts";
import { ChangeRow } from "../components/change-row.tsx";
import { Failure, Page, Skeleton } from "../components/page.tsx";
import { navigate } from "../router.ts";
import { NotFoundPage } from "./not-found.tsx";

const mostChanges = 50;

/** `/commits/REVISION` redirects to the change; a revision that came on several branches lists them. */
export function CommitPage({ params: { revision = "" } }: { params: Readonly<Record<string, string>> }) {
  const { rows, error } = useRows("changes", "changes", { revision, order: "-changeid", limit: mostChanges }, [
    "changes/*/new",
  ]);
  const [only] = rows?.length === 1 ? rows : [];
  useEffect(() => {
    if (only) navigate(`/changes/${only.changeid}`, { replace: true });
  }, [only]);
  if (rows?.length === 0) return <NotFoundPage what={`No change has the revision ${revision}.`} />;
  if (!rows || only)
    return <Page title={`Commit ${revision}`}>{error ? <Failure error={error} /> : <Skeleton />}</Page>;
  return (
    <Page title={`Commit ${revision}`} above={<a href="/changes">Changes</a>}>
      <ul class="list boxed">
        {rows.map((change) => (
          <ChangeRow key={change.changeid} change={change} />
        ))}
      </ul>
    </Page>
  );
}
