import type { Build, TestRun } from "@multimaster/data";
import { useState } from "preact/hooks";
import { useRows } from "../api/live-query.ts";
import { Empty, Rows } from "../components/page.tsx";
import { Table } from "../components/table.tsx";
import { filterTests, formatTestTime, verbOfTest } from "../format/tests.ts";
import { navigate, usePlace, withQuery } from "../router.ts";
import { TestName } from "../tests/test-name.tsx";
import { TestOutcome } from "../tests/test-outcome.tsx";
import { logHref } from "../tests/test-strips.tsx";

/** How many tests of a build are read, and how many of them are drawn at first. */
const most = 2000;
const firstShown = 200;

/** All tests of a build, failures first. */
export function BuildTests({ build }: { build: Build }) {
  const place = usePlace();
  const text = place.query.get("q") ?? "";
  // In alphabetical order, "error" and "fail" come before "pass" and "skip".
  const tests = useRows("test_runs", `builds/${build.buildid}/tests`, { order: ["outcome", "name"], limit: most }, [
    "test_result_sets/*/*",
  ]);
  return (
    <>
      <div class="filters">
        <input
          type="search"
          aria-label="Filter tests by name"
          placeholder="Filter tests"
          value={text}
          onInput={(event) => navigate(withQuery(place, { q: event.currentTarget.value }), { replace: true })}
        />
        <span class="quiet num">{tests.rows && countOutcomes(tests.rows, tests.total)}</span>
      </div>
      <Rows
        of={tests}
        empty={
          <>
            This build has reported no tests. The step <code>junit</code> reports them if they write JUnit XML.
          </>
        }
      >
        {(rows) => <TestTable runs={filterTests(rows, text)} text={text} />}
      </Rows>
    </>
  );
}

/** "2 failed, 310 passed, 4 skipped". */
function countOutcomes(rows: readonly TestRun[], total: number | undefined): string {
  if (total !== undefined && total > rows.length) return `the first ${rows.length} of ${total}`;
  return ["error", "fail", "pass", "skip"]
    .map((outcome) => [rows.filter((row) => row.outcome === outcome).length, verbOfTest(outcome)] as const)
    .filter(([count]) => count > 0)
    .map(([count, verb]) => `${count} ${verb}`)
    .join(", ");
}

function TestTable({ runs, text }: { runs: readonly TestRun[]; text: string }) {
  const [shown, setShown] = useState(firstShown);
  if (runs.length === 0) return <Empty>No test has “{text}” in its name.</Empty>;
  return (
    <>
      <Table
        head={
          <>
            <th>Test</th>
            <th>Result</th>
            <th class="right">Took</th>
          </>
        }
      >
        {runs.slice(0, shown).map((run) => (
          <tr key={run.test_resultid}>
            <td class="wide">
              <TestName test={run} />
            </td>
            <td>
              <a href={logHref(run)}>
                <TestOutcome outcome={run.outcome} />
              </a>
            </td>
            <td class="right num">{formatTestTime(run.duration_ns)}</td>
          </tr>
        ))}
      </Table>
      {runs.length > shown && (
        <button type="button" onClick={() => setShown(shown + 1000)}>
          {runs.length - shown} more tests
        </button>
      )}
    </>
  );
}
