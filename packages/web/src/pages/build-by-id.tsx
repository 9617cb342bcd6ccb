import { useEffect } from "preact/hooks";
import { useRow } from "../api/live-query.ts";
import { Failure, Page, Skeleton } from "../components/page.tsx";
import { navigate } from "../router.ts";
import { NotFoundPage } from "./not-found.tsx";

/** `/builds/ID` redirects to the build below its builder. */
export function BuildById({ params: { build: id = "" } }: { params: Readonly<Record<string, string>> }) {
  const { row, error } = useRow("builds", `builds/${encodeURIComponent(id)}`);
  useEffect(() => {
    if (row) navigate(`/builders/${row.builderid}/builds/${row.number}`, { replace: true });
  }, [row]);
  if (error?.status === 404) return <NotFoundPage what={`There is no build ${id}.`} />;
  return <Page title={`Build ${id}`}>{error ? <Failure error={error} /> : <Skeleton />}</Page>;
}
