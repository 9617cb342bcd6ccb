import type { Row } from "@multimaster/data/client";
import { useEffect } from "preact/hooks";
import { useRow, useRows } from "../api/live-query.ts";
import { call } from "../api/read.ts";
import { ActionButton } from "../components/action-button.tsx";
import { BuildList } from "../components/build-list.tsx";
import { Failure, Page, Panel, Rows, Skeleton } from "../components/page.tsx";
import { ResultToken } from "../components/result-token.tsx";
import { When } from "../components/when.tsx";
import { useBuilderNames, useMasterNames } from "../format/names.ts";
import { standingOf } from "../format/result.ts";
import { navigate } from "../router.ts";
import { NotFoundPage } from "./not-found.tsx";

/** A build request: its state and its builds. Redirects to the build once one runs. */
export function RequestPage({ params: { request: id = "" } }: { params: Readonly<Record<string, string>> }) {
  const path = `buildrequests/${encodeURIComponent(id)}` as const;
  const { row: request, error } = useRow("buildrequests", path, {}, [`buildrequests/${Number(id)}/*`]);
  const builds = useRows("builds", `${path}/builds`, {}, [`buildrequests/${Number(id)}/*`, "builds/*/new"]);
  const { rows: ends } = useRows("request_ends", "request_ends", { buildrequestid: Number(id) }, [
    `buildrequests/${Number(id)}/*`,
  ]);
  const { rows: collapsed } = useRows("request_ends", `${path}/collapsed`, {}, ["buildrequests/*/complete"]);
  const { rows: approvals } = useRows("approvals", `${path}/approvals`, {}, [`buildrequests/${Number(id)}/*`]);
  const approval = approvals?.[0];
  const { row: buildset } = useRow("buildsets", request && `buildsets/${request.buildsetid}`);
  const builderName = useBuilderNames();
  const masterName = useMasterNames();
  const running = builds.rows?.find(({ complete }) => !complete);
  useEffect(() => {
    if (running) navigate(`/builders/${running.builderid}/builds/${running.number}`, { replace: true });
  }, [running?.buildid]);
  if (error?.status === 404) return <NotFoundPage what={`There is no request ${id}.`} />;
  if (!request) return <Page title={`Request ${id}`}>{error ? <Failure error={error} /> : <Skeleton />}</Page>;
  const standing = standingOf({ ...request, started_at: request.claimed ? request.claimed_at : null });
  return (
    <Page
      title={`Request ${id} · ${builderName(request.builderid)}`}
      standing={standing}
      above={<a href={`/builders/${request.builderid}`}>{builderName(request.builderid)}</a>}
      actions={
        !request.complete && (
          <>
            {approval && approval.decision === null && <DecideButtons path={path} />}
            <ActionButton
              kind="danger"
              act={(reason) => call("buildrequests", path, "cancel", { reason: reason || null })}
              asksReason
              confirm="Cancel this request?"
            >
              Cancel
            </ActionButton>
          </>
        )
      }
    >
      <p class="about">
        <ResultToken standing={standing} />
        <span>
          {standing === "pending" ? "waiting since " : "requested "}
          <When at={request.submitted_at} />
        </span>
        {request.claimed_by_masterid !== null && <span>claimed by {masterName(request.claimed_by_masterid)}</span>}
        {buildset && <span class="quiet">{buildset.reason}</span>}
        {approval && <ApprovalNote approval={approval} isOpen={!request.complete} />}
        {ends?.map((end) => (
          <EndNote key={end.buildrequestid} end={end} />
        ))}
        {standing === "pending" && <a href={`/queue?builder=${request.builderid}`}>why does it wait?</a>}
      </p>
      {collapsed !== undefined && collapsed.length > 0 && (
        <p class="about">
          <span>
            builds the changes of{" "}
            {collapsed.map(({ buildrequestid }, i) => (
              <span key={buildrequestid}>
                {i > 0 && ", "}
                <a href={`/buildrequests/${buildrequestid}`}>request {buildrequestid}</a>
              </span>
            ))}{" "}
            as well
          </span>
        </p>
      )}
      <Panel title="Builds">
        <Rows of={builds} empty="This request has no build yet.">
          {(rows) => <BuildList builds={rows} />}
        </Rows>
      </Panel>
    </Page>
  );
}

/** A user decides whether a stranger's code is built. */
function DecideButtons({ path }: { path: `buildrequests/${string}` }) {
  return (
    <>
      <ActionButton kind="primary" act={() => call("buildrequests", path, "approve", {})}>
        Approve
      </ActionButton>
      <ActionButton
        kind="danger"
        act={(reason) => call("buildrequests", path, "reject", { reason })}
        asksReason
        confirm="Reject this request? It ends."
      >
        Reject
      </ActionButton>
    </>
  );
}

/** Whether a stranger's code may be built, and who says so. */
function ApprovalNote({ approval, isOpen }: { approval: Row<"approvals">; isOpen: boolean }) {
  const { subject, decision, decided_by: by, decided_at: at, reason } = approval;
  if (decision === null) return isOpen ? <span>{subject} waits for approval</span> : null;
  return (
    <span>
      {decision}
      {by !== null && ` by ${by}`} {at !== null && <When at={at} />}
      {reason !== null && `: ${reason}`}
    </span>
  );
}

/** Why a request ended without a build. */
function EndNote({ end }: { end: Row<"request_ends"> }) {
  if (end.into_requestid === null) return <span>cancelled: {end.reason}</span>;
  return (
    <span>
      collapsed into <a href={`/buildrequests/${end.into_requestid}`}>request {end.into_requestid}</a>, which builds its
      changes as well
    </span>
  );
}
