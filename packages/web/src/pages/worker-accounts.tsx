import type { WorkerAccount } from "@multimaster/data";
import { useState } from "preact/hooks";
import { useRows } from "../api/live-query.ts";
import { call } from "../api/read.ts";
import { ActionButton } from "../components/action-button.tsx";
import { Page, Rows } from "../components/page.tsx";
import { Table } from "../components/table.tsx";
import { When } from "../components/when.tsx";
import { AddWorkerDialog } from "../worker-accounts/add-worker-dialog.tsx";

/** Workers that were added at run time: for users who may add and revoke them. */
export function WorkerAccountsPage() {
  const accounts = useRows("worker_accounts", "worker_accounts", { order: "-accountid", limit: 200 }, [
    "worker_accounts/*/*",
  ]);
  const [isAdding, setAdding] = useState(false);
  return (
    <Page
      title="Worker accounts"
      above={<a href="/workers">Workers</a>}
      actions={
        <button type="button" class="primary" onClick={() => setAdding(true)}>
          Add worker
        </button>
      }
    >
      <Rows of={accounts} empty="No workers were added at run time. Those of the config need no account.">
        {(rows) => (
          <Table
            stacks
            head={
              <>
                <th>Worker</th>
                <th>State</th>
                <th class="num">Builds at a time</th>
                <th>Protocols</th>
                <th>Owner</th>
                <th>Added</th>
                <th>
                  <span class="sr-only">Actions</span>
                </th>
              </>
            }
          >
            {rows.map((account) => (
              <AccountRow key={account.accountid} account={account} />
            ))}
          </Table>
        )}
      </Rows>
      {isAdding && <AddWorkerDialog onClose={() => setAdding(false)} />}
    </Page>
  );
}

function AccountRow({ account }: { account: WorkerAccount }) {
  const { accountid, name, max_builds, options, allows_pb, made_at, revoked_at } = account;
  const { owner, note } = options as Readonly<Record<string, unknown>>;
  return (
    <tr>
      <td title={typeof note === "string" ? note : undefined}>{name}</td>
      <td>
        {revoked_at === null ? (
          "valid"
        ) : (
          <span class="quiet">
            revoked <When at={revoked_at} />
          </span>
        )}
      </td>
      <td class="num">{max_builds}</td>
      <td>{allows_pb ? "any" : "not pb"}</td>
      <td>{typeof owner === "string" ? owner : "–"}</td>
      <td>
        <When at={made_at} />
      </td>
      <td class="right">
        {revoked_at === null && (
          <ActionButton
            kind="small danger"
            act={() => call("worker_accounts", `worker_accounts/${accountid}`, "revoke", {})}
            confirm="It is disconnected, and its builds run again elsewhere. Revoke it?"
            title="No engine accepts it from now on"
          >
            Revoke
          </ActionButton>
        )}
      </td>
    </tr>
  );
}
