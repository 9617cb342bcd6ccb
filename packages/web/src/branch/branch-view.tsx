import type { BranchBuilder } from "@multimaster/data";
import type { ComponentChildren } from "preact";
import { type QueryState, useRows } from "../api/live-query.ts";
import { call } from "../api/read.ts";
import { ActionButton } from "../components/action-button.tsx";
import { ChangeRow } from "../components/change-row.tsx";
import { FailingRow } from "../components/failing-row.tsx";
import { Failure, Page, Panel, Rows, Skeleton } from "../components/page.tsx";
import { ResultToken } from "../components/result-token.tsx";
import { failedBuilds, orderBuilders, standingOfBranch } from "./branch-standing.ts";
import { BuildTree } from "./build-tree.tsx";

const mostChanges = 30;
const mostFailing = 50;

/** A branch over all builders: one state, what fails, its builds as a tree, its changes. */
export function BranchView({
  branch,
  title = branch,
  above,
}: {
  branch: string;
  title?: string;
  above: ComponentChildren;
}) {
  const builders = useRows("branch_builders", `branch_builders/${encodeURIComponent(branch)}`, {}, [
    "builds/*/*",
    "buildrequests/*/*",
  ]);
  const failing = useRows("failing", "failing", { source: branch, order: "since", limit: mostFailing }, [
    "builds/*/finished",
    "notes/*/*",
  ]);
  const changes = useRows("changes", "changes", { branch, order: "-changeid", limit: mostChanges }, ["changes/*/new"]);
  if (!builders.rows)
    return (
      <Page title={title} above={above}>
        {builders.error ? <Failure error={builders.error} /> : <Skeleton lines={8} />}
      </Page>
    );
  const { standing, words } = standingOfBranch(builders.rows);
  return (
    <Page
      title={title}
      heading={<bdi class="break">{title}</bdi>}
      standing={builders.rows.length > 0 ? standing : undefined}
      above={above}
      actions={<BuildAgain of={builders.rows} />}
    >
      {builders.rows.length > 0 && (
        <p class="about">
          <ResultToken standing={standing} label={words} />
        </p>
      )}
      {failing.rows && failing.rows.length > 0 && (
        <Panel title="Fails" note={String(failing.total ?? failing.rows.length)}>
          <ul class="list">
            {failing.rows.map((line) => (
              <FailingRow key={line.lineid} line={line} />
            ))}
          </ul>
        </Panel>
      )}
      <Builds of={builders} />
      <Panel title="Changes" note={changes.total ? `newest ${changes.rows?.length} of ${changes.total}` : ""}>
        <Rows of={changes} empty="No change source or hook has reported a change of this branch.">
          {(rows) => (
            <ul class="list">
              {rows.map((change) => (
                <ChangeRow key={change.changeid} change={change} />
              ))}
            </ul>
          )}
        </Rows>
      </Panel>
    </Page>
  );
}

function Builds({ of: builders }: { of: QueryState<BranchBuilder> }) {
  return (
    <Panel title="Builds" note="of each builder the newest source, and what is open">
      <Rows
        of={builders}
        empty="No builder has built this branch, and no request for it waits. A change of it starts those whose scheduler follows it."
      >
        {(rows) => <BuildTree builders={orderBuilders(rows)} />}
      </Rows>
    </Panel>
  );
}

function BuildAgain({ of: builders }: { of: readonly BranchBuilder[] }) {
  const failed = failedBuilds(builders);
  if (failed.length === 0) return null;
  const rebuild = async () => {
    for (const buildid of failed) await call("builds", `builds/${buildid}`, "rebuild", {});
  };
  return (
    <ActionButton
      kind="primary"
      act={rebuild}
      {...(failed.length > 1 ? { confirm: `Build ${failed.length} builders again?` } : {})}
      title="The same source and properties again, of each builder that fails; what those trigger is built with them"
    >
      Build again what failed
    </ActionButton>
  );
}
