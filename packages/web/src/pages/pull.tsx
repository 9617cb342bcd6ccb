import type { Change } from "@multimaster/data";
import { useRows } from "../api/live-query.ts";
import { BranchView } from "../branch/branch-view.tsx";
import { ChangeRow } from "../components/change-row.tsx";
import { ForeignLink } from "../components/foreign-link.tsx";
import { Failure, Page, Skeleton } from "../components/page.tsx";
import { branchesOfPull, branchHref } from "../format/addresses.ts";
import { propertyText } from "../format/properties.ts";
import { NotFoundPage } from "./not-found.tsx";

/** `/pulls/NUMBER`: the branch of a pull or merge request. Those of several repositories may have one number. */
export function PullPage({ params: { number = "" } }: { params: Readonly<Record<string, string>> }) {
  const branches = branchesOfPull(number);
  const { rows, error } = useRows("changes", "changes", { branch: branches, order: "-changeid", limit: 50 }, [
    "changes/*/new",
  ]);
  if (!rows) return <Page title={`Pull request ${number}`}>{error ? <Failure error={error} /> : <Skeleton />}</Page>;
  const newest = newestOfEach(rows);
  const [only] = newest;
  if (!only) return <NotFoundPage what={`No change belongs to a pull or merge request ${number}.`} />;
  if (newest.length === 1) return <PullView number={number} change={only} />;
  return (
    <Page title={`Pull requests ${number}`} above={<a href="/changes">Changes</a>}>
      <p class="about">
        Several repositories have a pull request of this number. Each newest change leads to its branch.
      </p>
      <ul class="list boxed">
        {newest.map((change) => (
          <ChangeRow key={change.changeid} change={change}>
            <a href={branchHref(change.branch ?? "")}>{change.repository}</a>
          </ChangeRow>
        ))}
      </ul>
    </Page>
  );
}

function PullView({ number, change }: { number: string; change: Change }) {
  const title = propertyText(change.properties, "pullrequest_title");
  const url = propertyText(change.properties, "pullrequesturl");
  return (
    <BranchView
      branch={change.branch ?? ""}
      title={title ? `Pull request ${number}: ${title}` : `Pull request ${number}`}
      above={
        <>
          <a href="/changes">Changes</a>
          <a href={branchHref(change.branch ?? "")}>{change.branch}</a>
          {url && <ForeignLink href={url}>at its forge</ForeignLink>}
        </>
      }
    />
  );
}

/** The newest change of each branch and repository. */
function newestOfEach(changes: readonly Change[]): Change[] {
  const newest = new Map<string, Change>();
  for (const change of changes) {
    const key = JSON.stringify([change.branch, change.repository]);
    if (!newest.has(key)) newest.set(key, change);
  }
  return [...newest.values()];
}
