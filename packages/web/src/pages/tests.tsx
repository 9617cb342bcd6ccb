import type { FlakyTest, TestRun } from "@multimaster/data";
import type { Topic } from "@multimaster/data/client";
import type { ComponentChildren } from "preact";
import { type QueryState, useRows } from "../api/live-query.ts";
import { Empty, Page, Panel, Rows } from "../components/page.tsx";
import { Table } from "../components/table.tsx";
import { When } from "../components/when.tsx";
import { useBuilders } from "../format/names.ts";
import { filterTests, formatTestTime } from "../format/tests.ts";
import { navigate, usePlace, withQuery } from "../router.ts";
import { TestName } from "../tests/test-name.tsx";
import { TestOutcome } from "../tests/test-outcome.tsx";
import { buildHref, logHref, OutcomeStrip } from "../tests/test-strips.tsx";

const topics: readonly Topic[] = ["test_result_sets/*/completed"];
/** Longer lists need a filter. */
const mostShown = 200;

/** Which tests fail now, which are flaky, which are slow. */
export function TestsPage() {
  const place = usePlace();
  const builder = place.query.get("builder") ?? "";
  const text = place.query.get("q") ?? "";
  const tests = builder === "" ? "tests" : (`builders/${encodeURIComponent(builder)}/tests` as const);
  const failing = useRows("test_runs", `${tests}/failing`, {}, topics);
  const flaky = useRows("flaky_tests", `${tests}/flaky`, {}, topics);
  const slowest = useRows("test_runs", `${tests}/slowest`, {}, topics);
  const any = useRows("test_result_sets", "test_result_sets", { limit: 1 }, topics);
  return (
    <Page title="Tests">
      <Filters builder={builder} text={text} />
      {any.rows?.length === 0 ? (
        <Empty>
          No build has reported tests yet. Let the tests write JUnit XML, which most test programs can, and add the step{" "}
          <code>{'junit({ files: "reports/*.xml" })'}</code> after the one that runs them.
        </Empty>
      ) : (
        <>
          <Panel title="Failing now" note={`${countOf(failing)} in the newest build of each builder`}>
            <Found of={failing} text={text} empty="No test fails.">
              {(rows) => <FailingTable runs={rows} />}
            </Found>
          </Panel>
          <Panel title="Flaky" note="passed and failed alternately in the last 20 builds">
            <Found of={flaky} text={text} empty="No test failed and passed alternately.">
              {(rows) => <FlakyTable tests={rows} />}
            </Found>
          </Panel>
          <Panel title="Slowest" note="in the newest build of each builder">
            <Found of={slowest} text={text} empty="No test reports how long it took.">
              {(rows) => <SlowTable runs={rows} />}
            </Found>
          </Panel>
        </>
      )}
    </Page>
  );
}

function Filters({ builder, text }: { builder: string; text: string }) {
  const place = usePlace();
  const builders = useBuilders();
  const narrow = (changes: Record<string, string>) => navigate(withQuery(place, changes), { replace: true });
  return (
    <div class="filters">
      <input
        type="search"
        aria-label="Filter tests by name"
        placeholder="Filter by name"
        value={text}
        onInput={(event) => narrow({ q: event.currentTarget.value })}
      />
      <label>
        <span class="quiet">Builder</span>{" "}
        <select value={builder} onChange={(event) => narrow({ builder: event.currentTarget.value })}>
          <option value="">all</option>
          {builders.rows?.map(({ builderid, name }) => (
            <option key={builderid} value={String(builderid)}>
              {name}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}

const countOf = ({ rows }: QueryState<unknown>) => (rows === undefined ? "" : String(rows.length));

/** The rows that match the text, up to a readable number. */
function Found<Row extends { readonly name: string | null }>({
  of,
  text,
  empty,
  children,
}: {
  of: QueryState<Row>;
  text: string;
  empty: string;
  children: (rows: readonly Row[]) => ComponentChildren;
}) {
  return (
    <Rows of={of} empty={empty}>
      {(rows) => {
        const found = filterTests(rows, text);
        if (found.length === 0)
          return (
            <Empty>
              None of {rows.length} has “{text}” in its name.
            </Empty>
          );
        return (
          <>
            {children(found.slice(0, mostShown))}
            {found.length > mostShown && (
              <Empty>… and {found.length - mostShown} more: filter by name or builder.</Empty>
            )}
          </>
        );
      }}
    </Rows>
  );
}

function BuildLink({ run }: { run: TestRun }) {
  return (
    <a href={buildHref(run)}>
      {run.builder} <span class="num">#{run.number}</span>
    </a>
  );
}

function FailingTable({ runs }: { runs: readonly TestRun[] }) {
  return (
    <Table
      head={
        <>
          <th>Test</th>
          <th>Result</th>
          <th>Build</th>
          <th class="right">Took</th>
          <th>When</th>
        </>
      }
    >
      {runs.map((run) => (
        <tr key={run.test_resultid}>
          <td class="wide">
            <TestName test={run} />
          </td>
          <td>
            <a href={logHref(run)}>
              <TestOutcome outcome={run.outcome} />
            </a>
          </td>
          <td>
            <BuildLink run={run} />
          </td>
          <td class="right num">{formatTestTime(run.duration_ns)}</td>
          <td class="quiet">
            <When at={run.started_at} />
          </td>
        </tr>
      ))}
    </Table>
  );
}

function FlakyTable({ tests }: { tests: readonly FlakyTest[] }) {
  return (
    <Table
      head={
        <>
          <th>Test</th>
          <th>Recent</th>
          <th>Failed</th>
          <th>Builder</th>
        </>
      }
    >
      {tests.map((test) => (
        <tr key={test.testid}>
          <td class="wide">
            <TestName test={test} />
          </td>
          <td>
            <OutcomeStrip outcomes={test.outcomes} />
          </td>
          <td class="num">
            {test.failures} of {test.runs}
          </td>
          <td>
            <a href={`/builders/${test.builderid}`}>{test.builder}</a>
          </td>
        </tr>
      ))}
    </Table>
  );
}

function SlowTable({ runs }: { runs: readonly TestRun[] }) {
  return (
    <Table
      head={
        <>
          <th>Test</th>
          <th class="right">Took</th>
          <th>Build</th>
        </>
      }
    >
      {runs.slice(0, 20).map((run) => (
        <tr key={run.test_resultid}>
          <td class="wide">
            <TestName test={run} />
          </td>
          <td class="right num">{formatTestTime(run.duration_ns)}</td>
          <td>
            <BuildLink run={run} />
          </td>
        </tr>
      ))}
    </Table>
  );
}
