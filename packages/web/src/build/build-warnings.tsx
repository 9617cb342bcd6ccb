import type { TestResultSet } from "@multimaster/data";
import { useRows } from "../api/live-query.ts";
import { Panel, Rows } from "../components/page.tsx";
import { Table } from "../components/table.tsx";

/** How many steps' warnings are shown, and how many of each. */
const most = { steps: 10, warnings: 1000 };

/** What the steps of a build have found in the code: file, line and message. */
export function BuildWarnings({ sets }: { sets: readonly TestResultSet[] }) {
  if (sets.length === 0)
    return (
      <p class="empty">
        No step of this build has found warnings that name a file. The option <code>warningPattern</code> of{" "}
        <code>shell</code> and <code>compile</code> finds them.
      </p>
    );
  return (
    <>
      {sets.slice(0, most.steps).map((set) => (
        <StepWarnings key={set.test_result_setid} set={set} />
      ))}
    </>
  );
}

function StepWarnings({ set: { test_result_setid: id, description } }: { set: TestResultSet }) {
  const results = useRows("test_results", `test_result_sets/${id}/results`, { limit: most.warnings });
  return (
    <Panel title={description ?? "Warnings"} note={results.rows && `${results.rows.length} different warnings`}>
      <Rows of={results} empty="None.">
        {(rows) => (
          <Table
            stacks
            head={
              <>
                <th>Place</th>
                <th>Message</th>
              </>
            }
          >
            {rows.map((row) => (
              <tr key={row.test_resultid} data-row>
                <td>
                  <code>
                    {row.test_code_path}
                    {row.line !== null && `:${row.line}`}
                  </code>
                </td>
                <td class="wide">{row.value}</td>
              </tr>
            ))}
          </Table>
        )}
      </Rows>
    </Panel>
  );
}
