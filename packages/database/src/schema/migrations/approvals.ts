import { double, index, integer, table, text, varchar } from "../declare-table.ts";
import type { Migration } from "../migration.ts";

/** Requests for strangers' code that wait until a user approves them (docs/untrusted.md). */
export const approvals: Migration = {
  name: "approval of builds of strangers' code",
  kind: "expand",
  tables: [
    table(
      "mm_approvals",
      {
        // No reference: the row may outlive the request.
        buildrequestid: integer.primary(),
        // What is to be approved.
        subject: text,
        asked_at: double,
        // When the request ends if no one has decided; null: never, or it is decided.
        expires_at: double.nullable(),
        // "approved", "rejected", "expired"; null: it waits.
        decision: varchar(16).nullable(),
        decided_by: text.nullable(),
        decided_at: double.nullable(),
        reason: text.nullable(),
      },
      index("mm_approvals_expires", "expires_at"),
      index("mm_approvals_decision", "decision"),
    ),
  ],
};
