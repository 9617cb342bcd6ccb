import type { Report, Reporter } from "@multimaster/data";
import { type QueryState, useRows } from "../api/live-query.ts";
import { call } from "../api/read.ts";
import { ActionButton } from "../components/action-button.tsx";
import { Page, Rows } from "../components/page.tsx";
import { Table } from "../components/table.tsx";
import { In, When } from "../components/when.tsx";
import { useVisitor } from "../format/visitor.ts";

/** Who is notified of what happens: what reporters owe, since when and why they fail, and what was given up. */
export function ReportsPage() {
  const reporters = useRows("reporters", "reporters", { order: "name", limit: 500 }, ["reporters/*/*"]);
  const dead = useRows("reports", "reports", { state: "dead", order: "-reportid", limit: 50 }, ["reporters/*/*"]);
  const owed = useRows("reports", "reports", { state: "owed", order: "reportid", limit: 50 }, ["reporters/*/*"]);
  const newest = useRows("reports", "reports", { order: "-reportid", limit: 50 }, ["reporters/*/*"]);
  return (
    <Page title="Reports">
      <Rows of={reporters} empty="The config has no reporters.">
        {(rows) => <ReporterTable reporters={rows} />}
      </Rows>
      {dead.rows !== undefined && dead.rows.length > 0 && (
        <>
          <h2>Given up{noteRest(dead, "newest")}</h2>
          <ReportTable reports={dead.rows} />
        </>
      )}
      {owed.rows !== undefined && owed.rows.length > 0 && (
        <>
          <h2>Owed{noteRest(owed, "oldest")}</h2>
          <ReportTable reports={owed.rows} />
        </>
      )}
      {reporters.rows !== undefined && reporters.rows.length > 0 && (
        <>
          <h2>Newest</h2>
          <Rows of={newest} empty="Nothing has been reported yet.">
            {(rows) => <ReportTable reports={rows} />}
          </Rows>
        </>
      )}
    </Page>
  );
}

/** Says that a list is longer than what is shown. */
function noteRest({ rows = [], total = 0 }: QueryState<Report>, which: "newest" | "oldest"): string {
  return total > rows.length ? `: the ${which} ${rows.length} of ${total}` : "";
}

function ReporterTable({ reporters }: { reporters: readonly Reporter[] }) {
  return (
    <Table
      stacks
      head={
        <>
          <th>Reporter</th>
          <th>State</th>
          <th class="num">Owed</th>
          <th class="num">Sent</th>
          <th class="num">Given up</th>
          <th>Sends on</th>
          <th>
            <span class="sr-only">Actions</span>
          </th>
        </>
      }
    >
      {reporters.map((reporter) => (
        <ReporterRow key={reporter.reporterid} reporter={reporter} />
      ))}
    </Table>
  );
}

function ReporterRow({ reporter }: { reporter: Reporter }) {
  const { reporterid, name, type, master, owed, dead, sent } = reporter;
  const mayRetry = useVisitor()?.retries === true;
  return (
    <tr>
      <td>
        {name} <span class="quiet">{type}</span>
      </td>
      <td class="wide">
        <ReporterState reporter={reporter} />
        {reporter.suspended !== null && <div class="problem">{reporter.suspended}</div>}
      </td>
      <td class="num" data-label="Owed">
        {owed}
      </td>
      <td class="num" data-label="Sent">
        {sent}
      </td>
      <td class="num" data-label="Given up">
        {dead}
      </td>
      <td data-label="Sends on">{master ?? "–"}</td>
      <td class="right">
        {mayRetry && (owed > 0 || dead > 0) && (
          <ActionButton
            kind="small"
            act={() => call("reporters", `reporters/${reporterid}`, "retry", { dead: dead > 0 })}
            title={dead > 0 ? "Sends what it owes and what was given up" : "Sends what it owes without waiting"}
          >
            Retry now
          </ActionButton>
        )}
      </td>
    </tr>
  );
}

/** Whether it sends; if not, since when, why, and when it tries again. */
function ReporterState({ reporter }: { reporter: Reporter }) {
  const { configured, problem, failing_since, paused_until, owed, owed_since, report_problem, next_at } = reporter;
  if (problem === null)
    return (
      <>
        <span class="quiet">
          {configured ? "sends" : notConfigured(owed)}
          {owed > 0 && owed_since !== null && (
            <>
              , owes since <When at={owed_since} />
            </>
          )}
        </span>
        {report_problem !== null && (
          <div class="problem">
            a report waits: {report_problem}
            <NextAttempt at={next_at} />
          </div>
        )}
      </>
    );
  return (
    <>
      <span class="problem">
        fails
        {failing_since !== null && (
          <>
            {" "}
            since <When at={failing_since} />
          </>
        )}
        : {problem}
      </span>
      <NextAttempt at={paused_until} />
    </>
  );
}

function NextAttempt({ at }: { at: number | null }) {
  if (at === null) return null;
  return (
    <>
      {" "}
      <span class="quiet">
        tries again <In at={at} />
      </span>
    </>
  );
}

/** What becomes of the reports of a reporter that the config has no more. */
const notConfigured = (owed: number) =>
  owed === 0
    ? "not in the config"
    : "not in the config: what it owes is kept for 30 days, and sent if the config has it again";

const stateWords: ReadonlyMap<string, string> = new Map([
  ["dead", "given up"],
  ["unasked", "waits for a master whose config has the reporter"],
]);

function ReportTable({ reports }: { reports: readonly Report[] }) {
  const mayRetry = useVisitor()?.retries === true;
  return (
    <Table
      stacks
      head={
        <>
          <th>What</th>
          <th>Reporter</th>
          <th>State</th>
          <th>Happened</th>
          <th>
            <span class="sr-only">Actions</span>
          </th>
        </>
      }
    >
      {reports.map(({ reportid, about, event, buildid, reporter, state, problem, happened_at, next_at, unsure }) => (
        <tr key={reportid}>
          <td class="in-text">
            {buildid === null ? about : <a href={`/builds/${buildid}`}>{about}</a>}{" "}
            <span class="quiet">{event.replaceAll("-", " ")}</span>
          </td>
          <td>{reporter}</td>
          <td class="wide">
            {stateWords.get(state) ?? state}
            {unsure && " (may have arrived)"}
            {problem !== null && state !== "sent" && <span class="quiet">: {problem}</span>}
            {state === "owed" && <NextAttempt at={next_at} />}
          </td>
          <td>
            <When at={happened_at} />
          </td>
          <td class="right">
            {mayRetry && (state === "dead" || (state === "owed" && problem !== null)) && (
              <ActionButton
                kind="small"
                act={() => call("reports", `reports/${reportid}`, "retry", {})}
                title="Sends it again now"
              >
                Retry
              </ActionButton>
            )}
          </td>
        </tr>
      ))}
    </Table>
  );
}
