import type { TestRun } from "@multimaster/data";
import { useState } from "preact/hooks";
import { useRow, useRows } from "../api/live-query.ts";
import { Failure, Page, Rows, Skeleton } from "../components/page.tsx";
import { Table } from "../components/table.tsx";
import { When } from "../components/when.tsx";
import { shortRevision } from "../format/properties.ts";
import { formatTestTime, standingOfTest } from "../format/tests.ts";
import { median } from "../format/time.ts";
import { TestOutcome } from "../tests/test-outcome.tsx";
import { buildHref, logHref, RunStrip } from "../tests/test-strips.tsx";
import { NotFoundPage } from "./not-found.tsx";

/** One test through the builds: since when it fails, how often, and how long it takes. */
export function TestPage({ params: { test: id = "" } }: { params: Readonly<Record<string, string>> }) {
  const [limit, setLimit] = useState(50);
  const path = `tests/${encodeURIComponent(id)}` as const;
  const { row: test, error } = useRow("tests", path);
  const runs = useRows(
    "test_runs",
    test && `${path}/runs`,
    { order: ["-test_result_setid", "-test_resultid"], limit },
    ["test_result_sets/*/completed"],
  );
  if (error?.status === 404) return <NotFoundPage what={`There is no test ${id}.`} />;
  if (!test) return <Page title="Test">{error ? <Failure error={error} /> : <Skeleton />}</Page>;
  const [last] = runs.rows ?? [];
  return (
    <Page
      title={test.name}
      standing={last && standingOfTest(last.outcome)}
      heading={<span class="break">{test.name}</span>}
      above={
        <>
          <a href="/tests">Tests</a>
          <a href={`/tests?builder=${test.builderid}`}>{test.builder}</a>
        </>
      }
    >
      <Rows of={runs} empty="No build has run this test.">
        {(rows) => (
          <>
            <Summary runs={rows} />
            <RunTable runs={rows} />
            {rows.length >= limit && (
              <button type="button" onClick={() => setLimit(limit + 100)}>
                Older builds
              </button>
            )}
          </>
        )}
      </Rows>
    </Page>
  );
}

function Summary({ runs }: { runs: readonly TestRun[] }) {
  const run = runs.filter(({ outcome }) => outcome !== "skip");
  const good = run.filter(({ outcome }) => outcome === "pass");
  const middle = median(run.flatMap(({ duration_ns: ns }) => (ns === null ? [] : [ns])));
  return (
    <div class="summary">
      <RunStrip runs={runs} />
      <dl>
        <div>
          <dt>Passed</dt>
          <dd>
            {good.length} of {run.length}
          </dd>
        </div>
        <div>
          <dt>Median</dt>
          <dd>{formatTestTime(middle ?? null)}</dd>
        </div>
      </dl>
    </div>
  );
}

function RunTable({ runs }: { runs: readonly TestRun[] }) {
  return (
    <Table
      head={
        <>
          <th>Build</th>
          <th>Result</th>
          <th>Revision</th>
          <th class="right">Took</th>
          <th>When</th>
          <th>Log</th>
        </>
      }
    >
      {runs.map((run) => (
        <tr key={run.test_resultid}>
          <td>
            <a class="num" href={buildHref(run)}>
              #{run.number}
            </a>
          </td>
          <td>
            <TestOutcome outcome={run.outcome} />
          </td>
          <td>{run.revision && <code title={run.revision}>{shortRevision(run.revision)}</code>}</td>
          <td class="right num">{formatTestTime(run.duration_ns)}</td>
          <td class="quiet">
            <When at={run.started_at} />
          </td>
          <td>
            <a href={logHref(run)}>log</a>
          </td>
        </tr>
      ))}
    </Table>
  );
}
