import type { BuildRequest, Waiting, WaitingChanges } from "@multimaster/data";
import type { Topic } from "@multimaster/data/client";
import { useRows } from "../api/live-query.ts";
import { call } from "../api/read.ts";
import { ActionButton } from "../components/action-button.tsx";
import { Page, Panel, Rows } from "../components/page.tsx";
import { Table } from "../components/table.tsx";
import { When } from "../components/when.tsx";
import { useBuilderNames } from "../format/names.ts";
import { usePlace } from "../router.ts";

const topics: readonly Topic[] = ["buildrequests/*/*", "workers/*/*", "builders/*/*", "masters/*/*", "locks/*/*"];

/** Some reasons change without an event: an engine does not renew its lease, hours begin, a function is asked again. */
const reasonsRestMs = 5000;

/** The requests that wait, each with the reasons. */
export function QueuePage() {
  const builder = usePlace().query.get("builder");
  const builderid = builder || undefined;
  const explained = useRows("waiting", "waiting", { order: "since", limit: 300, builderid }, topics, reasonsRestMs);
  // A master of an earlier release answers with the requests, but not with the reasons.
  const isOld = explained.error?.status === 404;
  const plain = useRows(
    "buildrequests",
    isOld ? "buildrequests" : undefined,
    { claimed: false, order: "submitted_at", limit: 300, builderid },
    topics,
  );
  const builderName = useBuilderNames();
  const rows = isOld ? plain.rows?.map((request) => withoutReasons(request, builderName)) : explained.rows;
  const error = isOld ? plain.error : explained.error;
  return (
    <Page title="Queue" heading={builder ? `Waiting for ${builderName(Number(builder))}` : "Queue"}>
      {builder && (
        <p class="about">
          <a href="/queue">all waiting requests</a>
        </p>
      )}
      <Rows of={{ rows, error }} empty="Nothing waits: every request is being built or complete.">
        {(requests) => <RequestTable requests={requests} />}
      </Rows>
      {!isOld && <TimedChanges />}
    </Page>
  );
}

function withoutReasons(request: BuildRequest, builderName: (id: number) => string): Waiting {
  const { buildrequestid, buildsetid, builderid, priority, submitted_at: since, waited_for } = request;
  const builder = builderName(builderid);
  return { buildrequestid, buildsetid, builderid, builder, priority, since, waited_for, reasons: [] };
}

function RequestTable({ requests }: { requests: readonly Waiting[] }) {
  return (
    <Table
      stacks
      head={
        <>
          <th>Request</th>
          <th>Builder</th>
          <th>Waiting</th>
          <th class="right">Priority</th>
          <th>Why</th>
          <th>
            <span class="sr-only">Actions</span>
          </th>
        </>
      }
    >
      {requests.map((request) => (
        <tr key={request.buildrequestid}>
          <td>
            <a class="num" href={`/buildrequests/${request.buildrequestid}`}>
              {request.buildrequestid}
            </a>
          </td>
          <td>
            <a href={`/builders/${request.builderid}`}>{request.builder}</a>
          </td>
          <td class="quiet">
            <When at={request.since} />
          </td>
          <td class="right" data-label="Priority">
            <Priority request={request} />
          </td>
          <td class="wide">
            <Reasons reasons={request.reasons} />
          </td>
          <td class="right">
            <ActionButton
              kind="small"
              confirm="Cancel this request?"
              act={() => call("buildrequests", `buildrequests/${request.buildrequestid}`, "cancel", {})}
            >
              Cancel
            </ActionButton>
          </td>
        </tr>
      ))}
    </Table>
  );
}

/** Requests of a higher priority are built first. */
function Priority({ request: { buildrequestid, priority } }: { request: Waiting }) {
  const set = (value: number) => () =>
    call("buildrequests", `buildrequests/${buildrequestid}`, "set_priority", { priority: value });
  return (
    <>
      <span class="num">{priority}</span>{" "}
      <ActionButton kind="small" title="More urgent" act={set(priority + 1)}>
        ↑<span class="sr-only"> more urgent</span>
      </ActionButton>{" "}
      <ActionButton kind="small" title="Less urgent" act={set(priority - 1)}>
        ↓<span class="sr-only"> less urgent</span>
      </ActionButton>
    </>
  );
}

/** The first reason is the one to act on. */
export function Reasons({ reasons }: { reasons: Waiting["reasons"] }) {
  const [first, ...rest] = reasons;
  if (!first) return <span class="quiet">not reported by this master</span>;
  return (
    <>
      <strong class="reason">{first.sentence}</strong>
      {rest.map(({ sentence }) => (
        <div class="quiet" key={sentence}>
          {sentence}
        </div>
      ))}
    </>
  );
}

/** A ui master of the previous release reports all ids, and no number of others. */
function nameCount({ changeids, changeids_more: more }: Partial<WaitingChanges>): string {
  const count = (changeids?.length ?? 0) + (more ?? 0);
  return `${count} ${count === 1 ? "change" : "changes"}`;
}

/** Changes that wait for their tree to become stable: they are not in a build request yet. */
function TimedChanges() {
  const timed = useRows("waiting_changes", "waiting/changes", {}, [
    "changes/*/new",
    "buildsets/*/new",
    "schedulers/*/*",
  ]);
  if (!timed.rows || timed.rows.length === 0) return null;
  return (
    <Panel title="Changes that wait" note="not in a build request yet">
      <ul class="list">
        {timed.rows.map((each) => (
          <li key={`${each.schedulerid} ${each.branch} ${each.since}`} data-row>
            <div class="grow">
              {nameCount(each)}
              {each.branch && ` on ${each.branch}`} for {each.scheduler}
              <div>
                <Reasons reasons={each.reasons} />
              </div>
            </div>
            <span class="quiet">
              <When at={each.until ?? each.since} />
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
