import type { Topic } from "@multimaster/data/client";
import { useRows } from "../api/live-query.ts";
import { Page, Rows } from "../components/page.tsx";
import { Table } from "../components/table.tsx";
import { When } from "../components/when.tsx";
import { nameActor } from "../format/visitor.ts";

/** Entries have no events, and refusals are written in batches: the page reads them again this often. */
const restMs = 5_000;
const topics: readonly Topic[] = ["workers/*/state_updated", "schedulers/*/updated"];

/** Who did what, and what was refused to whom: for users who control the cluster. */
export function AuditPage() {
  const entries = useRows("audit_entries", "audit_entries", { order: "-auditid", limit: 200 }, topics, restMs);
  return (
    <Page title="Audit trail">
      <Rows of={entries} empty="Nothing has been done yet.">
        {(rows) => (
          <Table
            stacks
            head={
              <>
                <th>When</th>
                <th>Who</th>
                <th>By</th>
                <th>From</th>
                <th>Action</th>
                <th>On</th>
                <th>Outcome</th>
              </>
            }
          >
            {rows.map(({ auditid, at, who, name, by, address, action, object, outcome, detail, times }) => (
              <tr key={auditid}>
                <td>
                  <When at={at} />
                </td>
                <td title={who}>{nameActor(who, name)}</td>
                <td>{by}</td>
                <td>{address ?? "–"}</td>
                <td>{action.replaceAll("_", " ")}</td>
                <td class="wide">{object}</td>
                <td title={detail ?? undefined}>
                  {outcome === "done" ? outcome : <strong>{outcome}</strong>}
                  {times > 1 && <span class="quiet"> · {times} times</span>}
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Rows>
    </Page>
  );
}
