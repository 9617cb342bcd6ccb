import { BranchView } from "../branch/branch-view.tsx";
import { pullOf } from "../format/addresses.ts";

/** `/branches/NAME`. */
export function BranchPage({ params: { branch = "" } }: { params: Readonly<Record<string, string>> }) {
  const pull = pullOf(branch);
  return (
    <BranchView
      key={branch}
      branch={branch}
      above={
        <>
          <a href="/changes">Changes</a>
          {pull && <a href={`/pulls/${pull}`}>Pull request {pull}</a>}
        </>
      }
    />
  );
}
