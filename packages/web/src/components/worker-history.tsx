import type { WorkerAbsence } from "@multimaster/data";
import { useRows } from "../api/live-query.ts";
import { Panel, Rows } from "./page.tsx";
import { Took, When } from "./when.tsx";

const words: Readonly<Record<string, string>> = {
  connection_lost: "connection lost",
  closed_by_worker: "it disconnected",
  shut_down: "shut down as asked",
  revoked: "its account was revoked",
  rebalanced: "sent to an engine with fewer workers",
  master_drained: "its master drained",
  master_stopped: "its master was stopped",
  master_lost: "its master was lost",
  paused: "paused",
  quarantined: "quarantined",
};

/** When and why a worker took no builds, the latest first. */
export function WorkerHistory({ workerid }: { workerid: number }) {
  const path = `workers/${workerid}/absences` as const;
  const absences = useRows("worker_absences", path, { order: "-absenceid", limit: 30 }, ["workers/*/*"]);
  return (
    <Panel title="Why it was away">
      <Rows of={absences} empty="It has never been away or paused.">
        {(rows) => (
          <ul class="list">
            {rows.map((absence) => (
              <li key={absence.absenceid} data-row>
                <span class="grow">
                  {words[absence.reason] ?? absence.reason}
                  {absence.master !== null && <span class="quiet"> at {absence.master}</span>}
                  {describeDetail(absence)}
                </span>
                <Took from={absence.began_at} to={absence.ended_at} />
                <span class="quiet when">
                  <When at={absence.began_at} />
                </span>
              </li>
            ))}
          </ul>
        )}
      </Rows>
    </Panel>
  );
}

function describeDetail({ detail, missing_at }: WorkerAbsence) {
  const parts = [detail, missing_at !== null && "reported as missing"].filter(Boolean);
  return parts.length === 0 ? null : <span class="quiet"> ({parts.join("; ")})</span>;
}
