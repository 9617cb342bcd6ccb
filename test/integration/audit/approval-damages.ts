import { type Connection, execute } from "@multimaster/database";
import type { Damage } from "./damages.ts";

const addApproval = (tx: Connection, request: number, decision: string | null) =>
  execute(
    tx,
    `insert into mm_approvals (buildrequestid, subject, asked_at, expires_at, decision, decided_by, decided_at, reason)
     values (?, 'pull request of a stranger', 1, null, ?, null, ?, null)`,
    [request, decision, decision === null ? null : 1],
  );

/** What the checks of approvals find. */
export const approvalDamages: Readonly<Record<string, Damage>> = {
  "unapproved-and-built": {
    do: (tx, { finished }) => addApproval(tx, finished.request, null),
    ids: ({ finished }) => [finished.build, finished.retried].sort((a, b) => a - b),
  },
  "rejected-not-ended": {
    do: (tx, { pending }) => addApproval(tx, pending.request, "rejected"),
    ids: ({ pending }) => [pending.request],
  },
};
