import type { Schedule } from "@multimaster/data";
import { useRows } from "../api/live-query.ts";
import { call } from "../api/read.ts";
import { ActionButton } from "../components/action-button.tsx";
import { Page, Rows } from "../components/page.tsx";
import { Table } from "../components/table.tsx";
import { In, When } from "../components/when.tsx";

/** What requests builds: for changes, at times, or by a form. */
export function SchedulersPage() {
  const schedulers = useRows("schedulers", "schedulers", {}, ["schedulers/*/*", "masters/*/*"]);
  const schedules = useRows("schedules", "schedules", {}, ["schedulers/*/*", "changes/*/new", "buildsets/*/new"]);
  const scheduleOf = (id: number) => schedules.rows?.find(({ schedulerid }) => schedulerid === id);
  return (
    <Page title="Schedulers">
      <Rows of={schedulers} empty="There are no schedulers: add some to the scheduler part of the config.">
        {(rows) => (
          <Table
            stacks
            head={
              <>
                <th>Scheduler</th>
                <th>State</th>
                <th>Next run</th>
                <th>Last run</th>
                <th>Runs on</th>
                <th>
                  <span class="sr-only">Actions</span>
                </th>
              </>
            }
          >
            {rows.map(({ schedulerid, name, enabled, master }) => (
              <tr key={schedulerid}>
                <td class="wide">
                  {name}
                  <Problem schedule={scheduleOf(schedulerid)} />
                </td>
                <td>{enabled ? "on" : <strong>off: it starts nothing</strong>}</td>
                <td data-label="Next run">
                  <NextRun schedule={scheduleOf(schedulerid)} />
                </td>
                <td data-label="Last run">
                  <LastRun schedule={scheduleOf(schedulerid)} />
                </td>
                <td data-label="Runs on">
                  {master ? <a href="/cluster">{master.name}</a> : <span class="quiet">no master yet</span>}
                </td>
                <td class="right">
                  <ActionButton
                    kind="small"
                    act={() => call("schedulers", `schedulers/${schedulerid}`, "enable", { enabled: !enabled })}
                    confirm={enabled ? "A scheduler that is off starts no builds. Switch it off?" : ""}
                  >
                    {enabled ? "Switch off" : "Switch on"}
                  </ActionButton>
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Rows>
    </Page>
  );
}

const triggers: Readonly<Record<string, string>> = {
  changes: "with the next change",
  form: "when a user requests it",
  builds: "when a build triggers it",
  buildsets: "when other builds end",
  tries: "when a user tries a difference",
};

function NextRun({ schedule }: { schedule: Schedule | undefined }) {
  if (!schedule) return null;
  const { enabled, kind, next_at: at, waiting_changes: count, kept } = schedule;
  const waiting = count > 0 && <span class="quiet"> · {count === 1 ? "1 change waits" : `${count} changes wait`}</span>;
  return (
    <>
      {at !== null ? <In at={at} /> : <span class="quiet">{(enabled && triggers[kind]) || "–"}</span>}
      {waiting}
      {kept && <Kept kept={kept} />}
    </>
  );
}

/** What a trigger has asked for, to be built at the next run. */
function Kept({ kept: { at, buildid, sources } }: { kept: NonNullable<Schedule["kept"]> }) {
  const names = sources.map(({ codebase, branch, revision }) =>
    [codebase, branch ?? "newest", revision?.slice(0, 10)].filter(Boolean).join(" "),
  );
  return (
    <div class="in-text">
      builds {names.join(", ") || "the newest"}, triggered by <a href={`/builds/${buildid}`}>build {buildid}</a>{" "}
      <span class="quiet">
        <When at={at} />
      </span>
    </div>
  );
}

function LastRun({ schedule }: { schedule: Schedule | undefined }) {
  if (!schedule?.last_at && !schedule?.last_slot) return <span class="quiet">–</span>;
  const { last_at: at, last_outcome: outcome, missed_slots: missed } = schedule;
  return (
    <>
      {at ? <When at={at} /> : <span class="quiet">–</span>}
      {outcome === "unchanged" && <span class="quiet"> · nothing to build since</span>}
      {missed > 0 && <span class="quiet"> · {missed === 1 ? "1 run was missed" : `${missed} runs were missed`}</span>}
    </>
  );
}

function Problem({ schedule }: { schedule: Schedule | undefined }) {
  return schedule?.problem ? (
    <div>
      <strong>Cannot build:</strong> {schedule.problem}
    </div>
  ) : null;
}
